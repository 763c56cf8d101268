import { setTimeout as sleep } from "node:timers/promises";
import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  type ConformanceService,
  type RequestInfo,
  RequestInfoSchema,
  type StreamDefinition,
  type UnaryDefinition,
} from "./descriptors.ts";

/**
 * What the suite wants to hear. Its requests say how to be answered, and answers tell what has arrived of the request.
 * The method "unimplemented" has to be refused by whatever serves the others.
 */
export const conformanceService: Omit<ServiceImpl<typeof ConformanceService>, "unimplemented"> = {
  unary: (request, context) => respond(request.responseDefinition, [pack(request, context)], context),

  idempotentUnary: (request, context) => respond(request.responseDefinition, [pack(request, context)], context),

  async clientStream(requests, context) {
    const received: Any[] = [];
    let definition: UnaryDefinition | undefined;
    for await (const request of requests) {
      if (received.length === 0) definition = request.responseDefinition;
      received.push(pack(request, context));
    }
    return respond(definition, received, context);
  },

  async *serverStream(request, context) {
    const definition = request.responseDefinition;
    if (!definition) return;
    setMetadata(definition, context);
    const info = requestInfo([pack(request, context)], context);
    yield* remainingResponses(definition, 0, info, context);
    throwError(definition, info);
  },

  async *bidiStream(requests, context) {
    /** Those that no response has told of. */
    let untold: Any[] = [];
    let definition: StreamDefinition | undefined;
    let fullDuplex: boolean | undefined;
    let sent = 0;
    for await (const request of requests) {
      if (fullDuplex === undefined) {
        definition = request.responseDefinition;
        fullDuplex = request.fullDuplex;
        if (definition) setMetadata(definition, context);
      }
      untold.push(pack(request, context));
      if (!fullDuplex) continue;
      const data = definition?.responseData[sent];
      if (!definition || !data) break;
      await delay(definition, context);
      const info = sent === 0 ? requestInfo(untold, context) : create(RequestInfoSchema, { requests: untold });
      sent++;
      untold = [];
      yield { payload: { data, requestInfo: info } };
    }
    if (!definition) return;
    const info = requestInfo(untold, context);
    yield* remainingResponses(definition, sent, info, context);
    throwError(definition, info);
  },
};

async function respond(definition: UnaryDefinition | undefined, requests: Any[], context: HandlerContext) {
  const info = requestInfo(requests, context);
  if (!definition) return { payload: { requestInfo: info } };
  setMetadata(definition, context);
  await delay(definition, context);
  const { response } = definition;
  if (response.case === "error") throw connectError(response.value, info);
  return { payload: { requestInfo: info, ...(response.case && { data: response.value }) } };
}

/** The responses after the first `sent`. The very first of a call tells of its request. */
async function* remainingResponses(
  definition: StreamDefinition,
  sent: number,
  info: RequestInfo,
  context: HandlerContext,
) {
  for (const [offset, data] of definition.responseData.slice(sent).entries()) {
    await delay(definition, context);
    yield { payload: { data, ...(sent + offset === 0 && { requestInfo: info }) } };
  }
}

/** The error at the end of a stream, if there shall be one. It tells of the request when no response has. */
function throwError({ error, responseData }: StreamDefinition, info: RequestInfo): void {
  if (error) throw connectError(error, responseData.length === 0 ? info : undefined);
}

function connectError(error: NonNullable<StreamDefinition["error"]>, info?: RequestInfo): ConnectError {
  // The suite numbers codes as Connect does.
  const thrown = new ConnectError(error.message ?? "", error.code);
  thrown.details = error.details.map(({ typeUrl, value }) => ({ type: typeUrl.replace(/^.*\//, ""), value }));
  if (info) thrown.details.push({ desc: RequestInfoSchema, value: info });
  return thrown;
}

function setMetadata(definition: UnaryDefinition | StreamDefinition, context: HandlerContext): void {
  const { responseHeaders, responseTrailers } = definition;
  for (const { name, value } of responseHeaders) for (const each of value) context.responseHeader.append(name, each);
  for (const { name, value } of responseTrailers) for (const each of value) context.responseTrailer.append(name, each);
}

/** Waits as long as the suite wants, or till the call ends, which is thrown with its reason. */
async function delay({ responseDelayMs }: UnaryDefinition | StreamDefinition, { signal }: HandlerContext) {
  if (responseDelayMs === 0) return;
  await sleep(responseDelayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
}

function pack(request: Message, { method }: HandlerContext): Any {
  return anyPack(method.input, request);
}

function requestInfo(requests: Any[], context: HandlerContext): RequestInfo {
  const timeout = context.timeoutMs();
  const info: MessageInitShape<typeof RequestInfoSchema> = {
    requests,
    requestHeaders: headers(context.requestHeader),
    ...(timeout !== undefined && { timeoutMs: BigInt(Math.ceil(timeout)) }),
  };
  if (context.requestMethod === "GET") {
    info.connectGetInfo = { queryParams: headers(new URL(context.url).searchParams) };
  }
  return create(RequestInfoSchema, info);
}

function headers(entries: Iterable<[string, string]>) {
  return Array.from(entries, ([name, value]) => ({ name, value: [value] }));
}
