import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  Message,
  MessageShape,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { Caller } from "../chat/caller.ts";
import type { QuotaName } from "../chat/quotas.ts";
import { EncodedView } from "./encoded-view.ts";

/**
 * Those who may make a call. Of a `member`, an `author`, a `moderator`, an `owner`, and of `self`, who asks about nobody
 * else, the pipeline knows only that it is a user; the rest is checked in the transaction, by what the log says. A `service`
 * may call without a user; for a user it may call whatever that user may. `trusted` is a request under AUTH=trust that names
 * no caller, as requests did before they could. A `view` is the holder of a token for rooms to read.
 */
export type Who =
  | "anyone"
  | "user"
  | "self"
  | "member"
  | "author"
  | "moderator"
  | "owner"
  | "service"
  | "service for a user"
  | "trusted"
  | "view";

/** Who may make a call, for whom, and what it counts as. */
export interface Access {
  readonly may: readonly Who[];
  /** The field of the request that names the caller. */
  readonly caller?: "userId" | "actorId";
  /**
   * Whether user_key may stand for user_id; where it may be anybody's, a user who had no id gets one. By services alone where
   * users have no other right to make the server remember keys.
   */
  readonly userKey?: "known" | "any" | "any, by services";
  /** The fields that list users to add, by id and by key, at most 100 together; one who had no id gets one. */
  readonly users?: readonly [ids: string, keys: string];
  /** What the caller may do only so often. */
  readonly quota?: QuotaName;
}

interface RpcOf<Method extends DescMethod> extends Access {
  readonly method: Method;
}

/** A request, and an answer. */
export interface UnaryRpc extends RpcOf<DescMethodUnary> {
  readonly kind: "unary";
  answer(caller: Caller | undefined, request: Message): Promise<Message>;
}

/** A request, and whatever happens from then on. */
export interface StreamRpc extends RpcOf<DescMethodServerStreaming> {
  readonly kind: "stream";
  open(caller: Caller | undefined, request: Message): Promise<Live>;
  readonly view: EncodedView<Message, DescMessage>;
}

/** Answers to requests, one after the other. */
export interface ExchangeRpc extends RpcOf<DescMethodBiDiStreaming> {
  readonly kind: "exchange";
  answers(caller: Caller | undefined, requests: AsyncIterable<Message>): AsyncIterable<Message>;
}

/** Whether a call changes nothing, so that Connect's GET can make it. */
export function isRead({ method }: Rpc): boolean {
  return method.methodKind === "unary" && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

/** What a stream tells, until it is closed. */
export interface Live<Item = Message> {
  /**
   * What there is to tell, once there is something; the first, which may be nothing, at once. Rejects with what ended it.
   * While the reader waits, items may go to `push`, if it is given; when that returns false, the reader has waited long
   * enough, and there is nothing.
   */
  next(push?: (item: Item) => boolean): Promise<readonly Item[]>;
  /** Ends it and releases all that it holds. The first reason counts. */
  close(reason: unknown): void;
}

export type Rpc = UnaryRpc | StreamRpc | ExchangeRpc;

type Unary<I extends DescMessage, O extends DescMessage> = (
  caller: Caller,
  request: MessageShape<I>,
) => Promise<MessageShape<O>>;

interface Stream<I extends DescMessage, O extends DescMessage, Item extends Message> {
  open(caller: Caller, request: MessageShape<I>): Promise<Live<Item>>;
  /** What a reader sees of an item. */
  messages(item: Item): readonly MessageShape<O>[];
}

type Exchange<I extends DescMessage, O extends DescMessage> = (
  caller: Caller,
  requests: AsyncIterable<MessageShape<I>>,
) => AsyncIterable<MessageShape<O>>;

export function unary<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  answer: Unary<I, O>,
  access: Access,
): Rpc {
  return { kind: "unary", method, answer: answer as unknown as UnaryRpc["answer"], ...access };
}

export function stream<I extends DescMessage, O extends DescMessage, Item extends Message>(
  method: DescMethodServerStreaming<I, O>,
  { open, messages }: Stream<I, O, Item>,
  access: Access,
): Rpc {
  const view = new EncodedView(method.output, messages) as unknown as StreamRpc["view"];
  return { kind: "stream", method, open: open as unknown as StreamRpc["open"], view, ...access };
}

export function exchange<I extends DescMessage, O extends DescMessage>(
  method: DescMethodBiDiStreaming<I, O>,
  answers: Exchange<I, O>,
  access: Access,
): Rpc {
  return { kind: "exchange", method, answers: answers as unknown as ExchangeRpc["answers"], ...access };
}
