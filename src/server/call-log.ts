import { Code, ConnectError, createContextKey, createContextValues, type Interceptor } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { getLogger } from "@logtape/logtape";

const log = getLogger(["roomlog", "rpc"]);

interface Call {
  readonly method: string;
  readonly requestId: string;
  readonly started: number;
  logged: boolean;
}

const callKey = createContextKey<Call | undefined>(undefined);

/** A line for every call once it ended, with its method, code, duration and request id; never bodies or tokens. */
export const callLog: Interceptor = (next) => async (req) => {
  const call = req.contextValues.get(callKey);
  if (!call) return next(req);
  call.logged = true;
  try {
    const res = await next(req);
    if (!res.stream) {
      write(call, "ok");
      return res;
    }
    return { ...res, message: logged(res.message, call) };
  } catch (e) {
    write(call, codeOf(e), e);
    throw e;
  }
};

/** Gives calls their id (the caller's x-request-id, or a new one), and logs those that never reach an interceptor. */
export function withCallLog(handler: UniversalHandler): UniversalHandler {
  async function handle(request: UniversalServerRequest) {
    const asked = request.header.get("x-request-id") ?? "";
    const call: Call = {
      method: `${handler.service.typeName}/${handler.method.name}`,
      requestId: /^[\w.:/+=-]{1,64}$/.test(asked) ? asked : crypto.randomUUID(),
      started: performance.now(),
      logged: false,
    };
    const contextValues = request.contextValues ?? createContextValues();
    contextValues.set(callKey, call);
    const response = await handler({ ...request, contextValues });
    if (!call.logged) write(call, `http ${response.status}`);
    const header = new Headers(response.header);
    header.set("x-request-id", call.requestId);
    return { ...response, header };
  }
  return Object.assign(handle, handler);
}

async function* logged<T>(messages: AsyncIterable<T>, call: Call): AsyncIterable<T> {
  let code = "ok";
  let error: unknown;
  try {
    yield* messages;
  } catch (e) {
    code = codeOf(e);
    error = e;
    throw e;
  } finally {
    write(call, code, error);
  }
}

function write({ method, requestId, started }: Call, code: string, error?: unknown): void {
  const line = { method, code, ms: Math.round((performance.now() - started) * 10) / 10, requestId };
  if (error === undefined) log.info("call", line);
  else if (error instanceof ConnectError && error.code !== Code.Internal) {
    log.info("call", error.cause === undefined ? line : { ...line, cause: String(error.cause) });
  } else log.error("call", { ...line, error: error instanceof Error ? error.stack : String(error) });
}

/** As the protocols spell it, such as not_found. What is not a ConnectError reaches clients as internal. */
function codeOf(error: unknown): string {
  const code = error instanceof ConnectError ? error.code : Code.Internal;
  return Code[code].replace(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase();
}
