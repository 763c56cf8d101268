import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../chat/caller.ts";
import { inTime } from "../chat/in-time.ts";
import type { Limits } from "../chat/limits.ts";
import type { Call } from "./call.ts";
import { deadlineExceeded } from "./errors.ts";
import { OpenStream, type OpenStreams } from "./open-stream.ts";
import type { Validate } from "./validate.ts";

/** Tells who makes a call from what it brings along, or refuses it with UNAUTHENTICATED. */
export type Identify = (call: Call) => Caller | undefined | Promise<Caller | undefined>;

/** What the steps of {@link Invoke} stand on. */
export interface Steps {
  readonly identify: Identify;
  readonly validate: Validate;
  readonly openStreams: OpenStreams;
  readonly limits: Limits;
}

type Request = Message | AsyncIterable<Message>;

/**
 * The only way into an RPC, whatever the protocol, the transport and the runtime. `receive` reads the request, once it is
 * known who calls; `encode` makes of an answer what the caller gets. Whatever happens, the call ends once, here or with
 * its stream, and leaves its record.
 */
export type Invoke = <T>(
  call: Call,
  receive: () => Request | Promise<Request>,
  encode: (answer: Message) => T,
) => Promise<Result<T>>;

/** An answer, encoded; a stream that is live; or answers to requests. */
export type Result<T> = T | OpenStream | AsyncIterable<Message>;

export function createInvoke(steps: Steps): Invoke {
  return async (call, receive, encode) => {
    try {
      call.caller = await steps.identify(call);
      const request = await receive();
      authorize(call, request);
      limit(call, steps);
      validate(call, request, steps);
      return await run(call, request, encode, steps);
    } catch (error) {
      call.end(error);
      throw error;
    }
  };
}

/** Takes for whom the caller acts. What the log says of that user, such as a membership, is checked in its transaction. */
function authorize(call: Call, request: Request): void {
  if (!call.rpc.isPublic && !call.caller) throw new ConnectError("who calls is not known", Code.Unauthenticated);
  if (isMessage(request)) call.actFor(request);
}

function limit({ rpc }: Call, { openStreams, limits }: Steps): void {
  if (rpc.kind === "unary" || openStreams.size < limits.openStreams) return;
  throw new ConnectError("too many streams are open here; try again in a while, or another server", Code.Unavailable);
}

function validate({ rpc }: Call, request: Request, steps: Steps): void {
  if (isMessage(request)) steps.validate(rpc.method.input, request);
}

async function run<T>(
  call: Call,
  request: Request,
  encode: (answer: Message) => T,
  { openStreams }: Steps,
): Promise<Result<T>> {
  const { rpc, caller, remainingMs } = call;
  if (remainingMs !== undefined && remainingMs <= 0) throw deadlineExceeded();
  switch (rpc.kind) {
    case "unary": {
      const answer = rpc.answer(caller, request as Message);
      const encoded = encode(
        await (remainingMs === undefined ? answer : inTime(answer, remainingMs, deadlineExceeded)),
      );
      call.end();
      return encoded;
    }
    case "stream": {
      call.header = noHeader; // a stream outlives its request
      const stream = new OpenStream(call, rpc, openStreams);
      await stream.open(request as Message);
      return stream;
    }
    case "exchange":
      return rpc.answers(caller, request as AsyncIterable<Message>);
  }
}

function noHeader(): undefined {}

function isMessage(request: Request): request is Message {
  return "$typeName" in request;
}
