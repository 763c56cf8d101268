import { request as requestHttp1 } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { type DescMethod, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChatService } from "../../gen/chat_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { envelope, PAGE } from "../node/raw.ts";
import { chatClient } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { newRoom } from "../support/rooms.ts";
import type { Service } from "./runtime.ts";

/** A service that lists {@link PAGE} in CORS_ORIGINS and tells of its pipeline. */
export interface ProbedService extends Service {
  /** How often the probe has seen the call with this request id. */
  seen(requestId: string): number;
}

interface Form {
  readonly name: string;
  readonly contentType: string;
  readonly isHttp2: boolean;
  readonly isGet?: boolean;
}

interface Variant {
  readonly name: string;
  readonly origin?: boolean;
  readonly deadline?: boolean;
  readonly gzip?: boolean;
}

const VARIANTS: Variant[] = [
  { name: "plain" },
  { name: "from a page", origin: true },
  { name: "with a deadline", deadline: true },
  { name: "in gzip", gzip: true },
  { name: "with all of it", origin: true, deadline: true, gzip: true },
];

const methods = [...ChatService.methods, ...Health.methods];

/**
 * [P8] The one pipeline sees every call once: every RPC, in every protocol, codec and version of HTTP that the runtime
 * carries, whatever else the request brings, and whether it is answered or refused; and a stream's end is no call.
 * Where a runtime isn't told at once of a client that has left, a deadline ends all streams.
 */
export function pipelineContract(
  start: () => Promise<ProbedService>,
  { carriesHttp2 = false, noticesLeaving = true }: { carriesHttp2?: boolean; noticesLeaving?: boolean } = {},
): void {
  let service: ProbedService;
  let session: ClientHttp2Session | undefined;
  let room: { roomId: string; owner: string; messageId: string };
  beforeAll(async () => {
    service = await start();
    if (carriesHttp2) session = connectHttp2(service.url);
    const { roomId, owner, send } = await newRoom(chatClient("Connect JSON", service.url));
    room = { roomId: `${roomId}`, owner: `${owner}`, messageId: `${(await send("x")).id}` };
  }, 120_000);
  afterAll(async () => {
    session?.destroy();
    await service?.[Symbol.asyncDispose]();
  });

  /** What the call is asked for, in good order. */
  const requestOf = ({ name }: DescMethod): JsonObject => {
    const { roomId, owner: userId, messageId } = room;
    const inRoom = { roomId, userId };
    const requests: Record<string, JsonObject> = {
      CreateChatRoom: { postId: `${freshId()}`, userId },
      EnsureRoom: { key: `room ${freshId()}`, userId },
      UpdateRoom: { roomId, actorId: userId, name: "x" },
      DeleteRoom: { roomId: `${freshId()}`, actorId: userId },
      GetRooms: { roomIds: [roomId], userId },
      AddMembers: { roomId, actorId: userId, userIds: [`${freshId()}`] },
      AddMember: { roomId, userId: `${freshId()}` },
      SendMessage: { ...inRoom, body: "x" },
      StreamMessage: { roomIds: [roomId], userId },
      StreamEvents: { roomIds: [roomId], userId },
      ListRooms: { userId },
      RemoveMember: { ...inRoom, actorId: userId, userId: `${freshId()}` },
      TransferOwnership: { ...inRoom, actorId: userId },
      EditMessage: { ...inRoom, messageId, body: "y" },
      DeleteMessage: { ...inRoom, messageId },
      MarkRead: { ...inRoom, messageId },
      SetRole: { ...inRoom, actorId: userId, userId: `${freshId()}`, role: "ROLE_MODERATOR" },
      SetMute: { ...inRoom, actorId: userId, userId: `${freshId()}` },
      SetBan: { ...inRoom, actorId: userId, userId: `${freshId()}` },
      SearchMessages: { ...inRoom, query: "x" },
      StreamAll: {},
      SetReaction: { ...inRoom, messageId, emoji: "👍" },
      SetPin: { roomId, actorId: userId, messageId },
      GetProfiles: { userIds: [userId] },
      RevokeTokens: { userId: `${freshId()}` },
      Check: {},
      Watch: {},
      List: {},
    };
    return requests[name] ?? inRoom;
  };

  async function make(
    method: DescMethod,
    form: Form,
    variant: Variant,
    body: Uint8Array,
    requestId: string | undefined,
  ) {
    const { contentType, isHttp2, isGet } = form;
    const isStream = method.methodKind !== "unary";
    const hasDeadline = variant.deadline || (isStream && !noticesLeaving);
    const isEnveloped = /grpc|connect/.test(contentType);
    const data = variant.gzip ? gzipSync(body) : body;
    const encoding = contentType.includes("grpc")
      ? "grpc-encoding"
      : isStream
        ? "connect-content-encoding"
        : "content-encoding";
    const headers: Record<string, string> = {
      ...(!isGet && { "content-type": contentType }),
      ...(requestId !== undefined && { "x-request-id": requestId }),
      ...(variant.origin && { origin: PAGE }),
      ...(hasDeadline && (contentType.includes("grpc") ? { "grpc-timeout": "300m" } : { "connect-timeout-ms": "300" })),
      ...(variant.gzip && !isGet && { [encoding]: "gzip", "accept-encoding": "gzip", "grpc-accept-encoding": "gzip" }),
    };
    const query = new URLSearchParams({
      connect: "v1",
      base64: "1",
      encoding: contentType.replace("application/", ""),
    });
    if (variant.gzip) query.set("compression", "gzip");
    query.set("message", Buffer.from(data).toString("base64url"));
    return exchange(isHttp2 ? session! : service.url, {
      method: isGet ? "GET" : "POST",
      path: `/${method.parent.typeName}/${method.name}${isGet ? `?${query}` : ""}`,
      headers,
      body: isGet ? Buffer.alloc(0) : isEnveloped ? envelope(data, variant.gzip ? 1 : 0) : Buffer.from(data),
      leaves: isStream && !hasDeadline,
    });
  }

  /** What a call brings: a good request, and some that are refused. */
  const bodies = (method: DescMethod, isJson: boolean): [string, Uint8Array][] => {
    const encode = (json: JsonObject) => {
      if (isJson) return Buffer.from(JSON.stringify(json));
      return toBinary(method.input, fromJson(method.input, json));
    };
    const request = requestOf(method);
    const cases: [string, Uint8Array][] = [["a good request", encode(request)]];
    if (method.parent !== ChatService) return cases;
    cases.push(["one that breaks the rules", encode({})], ["one that can't be read", Buffer.from([0xff, 0xff, 0xff])]);
    const stranger = "userId" in request ? { ...request, userId: `${freshId()}` } : request;
    cases.push(["one of a stranger", encode(stranger)]);
    return cases;
  };

  describe.each(methods.map((method) => [method.name, method] as const))("[P8] %s", (_, method) => {
    const isStream = method.methodKind !== "unary";
    const forms = formsOf(method, carriesHttp2);
    test.each(forms.map((form) => [form.name, form] as const))("is seen once over %s", async (_, form) => {
      const made: string[] = [];
      for (const variant of VARIANTS) {
        const cases = bodies(method, form.contentType.includes("json"));
        for (const [i, [, body]] of (variant.name === "plain" ? cases : cases.slice(0, 1)).entries()) {
          const asked = i % 2 === 0 ? crypto.randomUUID() : undefined;
          const given = await make(method, form, variant, body, asked);
          if (asked !== undefined) expect(given).toBe(asked);
          made.push(given);
        }
      }
      expect(new Set(made).size).toBe(made.length);
      await expect.poll(() => made.map((id) => service.seen(id)), { timeout: 15_000 }).toEqual(made.map(() => 1));
      // A stream's end comes after its response: it has had the time of all that follows.
      if (isStream) expect(made.map((id) => service.seen(id))).toEqual(made.map(() => 1));
    });
  });
}

function formsOf({ methodKind, idempotency }: DescMethod, carriesHttp2: boolean): Form[] {
  const connect = methodKind === "unary" ? "application/" : "application/connect+";
  const versions = carriesHttp2 ? [false, true] : [false];
  const forms = versions.flatMap((isHttp2) => [
    ...["json", "proto"].map((codec) => ({ contentType: connect + codec, isHttp2 })),
    ...["json", "proto"].map((codec) => ({ contentType: `application/grpc-web+${codec}`, isHttp2 })),
    ...(isHttp2 ? ["json", "proto"].map((codec) => ({ contentType: `application/grpc+${codec}`, isHttp2 })) : []),
  ]);
  const isRead = idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const gets = isRead
    ? ["json", "proto"].map((codec) => ({ contentType: `application/${codec}`, isHttp2: false, isGet: true }))
    : [];
  return [...forms, ...gets].map((form) => {
    const { contentType, isHttp2 } = form;
    return { ...form, name: `${contentType}, HTTP/${isHttp2 ? "2" : "1.1"}${"isGet" in form ? ", GET" : ""}` };
  });
}

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  /** Whether the client leaves once it has the headers. */
  readonly leaves: boolean;
}

/** Makes a call, and gives the request id of its answer once all is over. */
function exchange(to: string | ClientHttp2Session, { method, path, headers, body, leaves }: Exchange): Promise<string> {
  return new Promise((resolve, reject) => {
    const left = new Error("left");
    const leave = (call: { destroy(): void }) => leaves && setTimeout(() => call.destroy(), 30);
    if (typeof to !== "string") {
      const call = to.request({ ":method": method, ":path": path, ...headers });
      let id = "";
      call.once("response", (answer) => {
        id = `${answer["x-request-id"]}`;
        leave(call);
      });
      call
        .once("error", reject)
        .once("close", () => resolve(id))
        .resume()
        .end(body);
      return;
    }
    const call = requestHttp1(to + path, { method, headers, agent: false }, (answer) => {
      const id = `${answer.headers["x-request-id"]}`;
      answer
        .once("close", () => resolve(id))
        .on("error", () => {})
        .resume();
      leave({ destroy: () => answer.destroy(left) });
    });
    call.once("error", (e) => e !== left && reject(e)).end(body);
  });
}
