import { createRegistry, type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { ServerReflection, type ServerReflectionRequest } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  type ServerReflectionRequest as ServerReflectionRequestV1Alpha,
  ServerReflection as ServerReflectionV1Alpha,
} from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";

type ReflectionRequest = ServerReflectionRequest | ServerReflectionRequestV1Alpha;

/** gRPC server reflection, v1 and v1alpha, over the descriptors that generated code carries. */
export function reflectionRoutes(services: readonly DescService[]): (router: ConnectRouter) => void {
  const reflected = [...services, ServerReflection, ServerReflectionV1Alpha];
  const files = new Map<string, DescFile>();
  const collect = (file: DescFile): void => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(collect);
  };
  reflected.forEach(({ file }) => collect(file));
  const registry = createRegistry(...files.values());

  const notFound = (what: string) =>
    ({
      case: "errorResponse",
      value: { errorCode: Code.NotFound as number, errorMessage: `${what} is not known here` },
    }) as const;

  const describe = (what: string, file: DescFile | undefined) => {
    if (!file) return notFound(what);
    const fileDescriptorProto = [toBinary(FileDescriptorProtoSchema, file.proto)];
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto } } as const;
  };

  /** Methods, fields and enum values live in the file of what they belong to. */
  const fileOfSymbol = (symbol: string): DescFile | undefined => {
    const parent = symbol.slice(0, Math.max(0, symbol.lastIndexOf(".")));
    return registry.get(symbol)?.file ?? (parent ? fileOfSymbol(parent) : undefined);
  };

  const respond = <R extends ReflectionRequest>(request: R) => {
    return { validHost: request.host, originalRequest: request, messageResponse: answer(request.messageRequest) };
  };

  const answer = (request: ReflectionRequest["messageRequest"]) => {
    switch (request.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: reflected.map(({ typeName: name }) => ({ name })) },
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

  return (router) => {
    router.service(ServerReflection, {
      async *serverReflectionInfo(requests) {
        for await (const request of received(requests)) yield respond(request);
      },
    });
    router.service(ServerReflectionV1Alpha, {
      async *serverReflectionInfo(requests) {
        for await (const request of received(requests)) yield respond(request);
      },
    });
  };
}

/** Connect says INTERNAL, as if the server were at fault, when a request can't be read. */
async function* received<R>(requests: AsyncIterable<R>): AsyncIterable<R> {
  try {
    yield* requests;
  } catch (e) {
    const { code, rawMessage } = ConnectError.from(e);
    throw new ConnectError(rawMessage, code === Code.Internal ? Code.InvalidArgument : code);
  }
}
