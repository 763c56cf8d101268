import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { getLogger } from "@logtape/logtape";
import { type LiveResponse, liveResponse } from "../chat/live-response.ts";

const log = getLogger(["roomlog", "rpc"]);

/** A call that has begun. */
export class Call {
  readonly requestId: string;
  isInvoked = false;
  /** Connect's, until it invokes the call. */
  signal: AbortSignal | undefined;
  readonly #method: DescMethod;
  readonly #started = performance.now();

  /** `askedId` is the caller's x-request-id, if it is one to take over. */
  constructor(method: DescMethod, askedId: string | null | undefined) {
    this.#method = method;
    this.requestId = askedId && /^[\w.:/+=-]{1,64}$/.test(askedId) ? askedId : crypto.randomUUID();
  }

  /** A response's headers, with the id of the call. */
  identified(header: HeadersInit | undefined): Headers {
    const identified = new Headers(header);
    identified.set("x-request-id", this.requestId);
    return identified;
  }

  /** Writes its line. */
  end(code: string, error?: unknown): void {
    const line = {
      method: `${this.#method.parent.typeName}/${this.#method.name}`,
      code,
      ms: Math.round((performance.now() - this.#started) * 10) / 10,
      requestId: this.requestId,
    };
    if (error === undefined) log.info("call", line);
    else if (error instanceof ConnectError && error.code !== Code.Internal) {
      // What is wrong with a request may be told in its own words.
      const isOurs = error.cause !== undefined && error.code !== Code.InvalidArgument;
      log.info("call", isOurs ? { ...line, cause: String(error.cause) } : line);
    } else log.error("call", { ...line, error: error instanceof Error ? error.stack : String(error) });
  }

  fail(reason: unknown): void {
    this.end(codeOf(reason), reason);
  }

  /** Connect refused it before it was invoked; only the signal knows why. */
  refuse(httpStatus: number): void {
    if (!this.signal?.aborted) return this.end(`http ${httpStatus}`);
    const reason = ConnectError.from(this.signal.reason, Code.Canceled);
    this.fail(reason.code === Code.Aborted ? new ConnectError(reason.rawMessage, Code.Canceled) : reason);
  }
}

const callKey = createContextKey<Call | undefined>(undefined);

/** A line for every call once it ended, with its method, code, duration and request id; never bodies or tokens. */
export const callLog: Interceptor = (next) => async (req) => {
  const call = req.contextValues.get(callKey);
  if (!call) return next(req);
  call.isInvoked = true;
  call.signal = undefined; // its reason holds the whole of Connect's pipeline
  try {
    const res = await next(req);
    const live = liveResponse({ values: req.contextValues });
    if (live?.isClosing) return res;
    if (res.stream) return { ...res, message: logged(res.message, call, live) };
    call.end("ok");
    return res;
  } catch (e) {
    call.fail(e);
    throw e;
  }
};

/** A request gate that lets calls keep their signal. */
export function callLogGate({ signal, values }: HandlerContext): void {
  const call = values.get(callKey);
  if (call) call.signal = signal;
}

/** Gives calls their id (the caller's x-request-id, or a new one), and logs those that Connect never invokes. */
export function withCallLog(handler: UniversalHandler): UniversalHandler {
  async function handle(request: UniversalServerRequest) {
    const call = new Call(handler.method, request.header.get("x-request-id"));
    const contextValues = request.contextValues ?? createContextValues();
    contextValues.set(callKey, call);
    const response = await handler({ ...request, contextValues });
    if (!call.isInvoked) call.refuse(response.status);
    return { ...response, header: call.identified(response.header) };
  }
  return Object.assign(handle, handler);
}

async function* logged<T>(messages: AsyncIterable<T>, call: Call, live?: LiveResponse): AsyncIterable<T> {
  let end = () => call.end("ok");
  try {
    yield* messages;
  } catch (e) {
    end = () => call.fail(e);
    throw e;
  } finally {
    if (live?.isLive) live.onEnd((reason) => call.fail(reason));
    else end();
  }
}

/** As the protocols spell it, such as not_found. What is not a ConnectError reaches clients as internal. */
function codeOf(error: unknown): string {
  const code = error instanceof ConnectError ? error.code : Code.Internal;
  return Code[code].replace(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase();
}
