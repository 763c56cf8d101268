import {
  create,
  createRegistry,
  type DescFile,
  type DescMessage,
  type DescService,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type {
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import type { ServerReflectionRequest as ServerReflectionRequestV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";

/** Characters of a name that is looked for. */
const MAX_NAME = 512;

/**
 * gRPC server reflection over the descriptors that generated code carries. v1alpha has the same messages as v1, but for
 * the names; `response` is that of the version.
 */
export function reflect(services: readonly DescService[], response: DescMessage) {
  const files = new Map<string, DescFile>();
  const collect = (file: DescFile): void => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(collect);
  };
  services.forEach(({ file }) => collect(file));
  const registry = createRegistry(...files.values());

  const notFound = (what: string) =>
    ({
      case: "errorResponse",
      value: { errorCode: Code.NotFound as number, errorMessage: `${what.slice(0, MAX_NAME)} is not known here` },
    }) as const;

  const describe = (what: string, file: DescFile | undefined) => {
    if (!file) return notFound(what);
    const fileDescriptorProto = [toBinary(FileDescriptorProtoSchema, file.proto)];
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto } } as const;
  };

  /** Methods, fields and enum values live in the file of what they belong to. */
  const fileOfSymbol = (symbol: string): DescFile | undefined => {
    if (symbol.length > MAX_NAME) return undefined;
    for (let name = symbol; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
      const file = registry.get(name)?.file;
      if (file) return file;
    }
    return undefined;
  };

  const answerTo = (request: ServerReflectionRequest["messageRequest"]) => {
    switch (request.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName: name }) => ({ name })) },
        } as const;
      case "fileByFilename":
        return describe(request.value, files.get(request.value));
      case "fileContainingSymbol":
        return describe(request.value, fileOfSymbol(request.value));
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = request.value;
        const extendee = registry.getMessage(containingType);
        const extension = extendee && registry.getExtensionFor(extendee, extensionNumber);
        return describe(`extension ${extensionNumber} of ${containingType}`, extension?.file);
      }
      case "allExtensionNumbersOfType": {
        const baseTypeName = request.value;
        if (!registry.getMessage(baseTypeName)) return notFound(baseTypeName);
        const extensionNumber = [...registry].flatMap((desc) =>
          desc.kind === "extension" && desc.extendee.typeName === baseTypeName ? [desc.number] : [],
        );
        return { case: "allExtensionNumbersResponse", value: { baseTypeName, extensionNumber } } as const;
      }
      case undefined:
        return {
          case: "errorResponse",
          value: { errorCode: Code.InvalidArgument as number, errorMessage: "message_request is empty" },
        } as const;
    }
  };

  return async function* answers(
    _: unknown,
    requests: AsyncIterable<ServerReflectionRequest | ServerReflectionRequestV1Alpha>,
  ): AsyncGenerator<never> {
    for await (const request of requests) {
      const { host: validHost, messageRequest } = request as ServerReflectionRequest;
      const answer = { validHost, originalRequest: request, messageResponse: answerTo(messageRequest) };
      yield create(response as typeof ServerReflectionResponseSchema, answer as object) as never;
    }
  };
}
