import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../chat/caller.ts";
import { inTime } from "../chat/in-time.ts";
import type { Limits } from "../chat/limits.ts";
import type { Quotas } from "../chat/quotas.ts";
import type { UserStore } from "../chat/user-store.ts";
import { authorize, countUsers, findUser } from "./authorize.ts";
import type { Call } from "./call.ts";
import { deadlineExceeded } from "./errors.ts";
import { OpenStream, type OpenStreams } from "./open-stream.ts";
import type { Rpc } from "./rpc.ts";
import type { StreamGate } from "./stream-gate.ts";
import type { Validate } from "./validate.ts";

/** Tells who makes a call from what it brings along, or refuses it. A call that anyone may make needs no caller. */
export type Identify = (call: Call) => Caller | undefined | Promise<Caller | undefined>;

/** What the steps of {@link Invoke} stand on. */
export interface Steps {
  readonly identify: Identify;
  readonly validate: Validate;
  readonly users: Pick<UserStore, "idOf" | "idsOf">;
  readonly quotas: Quotas;
  readonly openStreams: OpenStreams;
  /** The streams of those who need not say who they are. */
  readonly publicStreams: OpenStreams;
  readonly gate: StreamGate;
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
      if (!isPublic(call.rpc)) admit(call, request);
      limit(call, request, steps);
      validate(call, request, steps);
      if (isMessage(request)) await findUser(call.rpc, request, steps.users);
      return await run(call, request, encode, steps);
    } catch (error) {
      call.end(error);
      throw error;
    }
  };
}

function admit(call: Call, request: Request): void {
  if (!call.caller) throw new ConnectError("who calls is not known", Code.Unauthenticated);
  if (isMessage(request)) call.actor = authorize(call.caller, call.rpc, request);
}

function limit({ rpc, caller }: Call, request: Request, { openStreams, publicStreams, quotas, limits }: Steps): void {
  const added = rpc.users && isMessage(request) ? countUsers(rpc.users, request) : 0;
  if (rpc.quota && caller) quotas.take(caller, rpc.quota, added);
  if (rpc.kind === "unary") return;
  const isFull = isPublic(rpc) ? publicStreams.size >= limits.publicStreams : openStreams.size >= limits.openStreams;
  if (!isFull) return;
  throw new ConnectError("too many streams are open here; try again in a while, or another server", Code.Unavailable);
}

function validate({ rpc }: Call, request: Request, steps: Steps): void {
  if (isMessage(request)) steps.validate(rpc.method.input, request);
}

async function run<T>(
  call: Call,
  request: Request,
  encode: (answer: Message) => T,
  { openStreams, publicStreams, gate }: Steps,
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
      const stream = new OpenStream(call, rpc, isPublic(rpc) ? publicStreams : openStreams, gate);
      await stream.open(request as Message);
      return stream;
    }
    case "exchange":
      return rpc.answers(caller, request as AsyncIterable<Message>);
  }
}

function noHeader(): undefined {}

/** Whether anybody may call, without saying who it is. */
function isPublic({ may }: Rpc): boolean {
  return may.includes("anyone");
}

function isMessage(request: Request): request is Message {
  return "$typeName" in request;
}
