import { ChatService } from "../../gen/chat_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { type ChatParts, chatService } from "../chat/service.ts";
import { healthService } from "./health.ts";
import type { Readiness } from "./readiness.ts";
import { reflect } from "./reflection.ts";
import { type Access, exchange, type Rpc, stream, unary } from "./rpc.ts";

const anyone: Access = { may: ["anyone"] };
const reads: Access = { may: ["member", "view", "service"], caller: "userId", quota: "pages" };
const sends: Access = { may: ["member"], caller: "userId", quota: "sends" };
const signals: Access = { may: ["member"], caller: "userId", quota: "signals" };
const rules: Access = { may: ["owner", "service"], caller: "actorId", userKey: "known", quota: "members" };

/** Who opens rooms, and lets others into them: services alone, or users too. */
export type RoomCreation = "services" | "users";

/** Every RPC of the server: what runs, and who may call it. What has no row here can't be called. */
export function createRpcs(parts: ChatParts, readiness: Readiness, roomCreation: RoomCreation): readonly Rpc[] {
  const byUsers = roomCreation === "users";
  const opens: Access = {
    may: byUsers ? ["user", "service for a user"] : ["service for a user"],
    caller: "userId",
    quota: "rooms",
  };
  const adds: Access = {
    may: byUsers ? ["owner", "moderator", "service", "trusted"] : ["service", "trusted"],
    caller: "actorId",
    userKey: "any",
    quota: "members",
  };
  const addsAll: Access = {
    may: byUsers ? ["owner", "moderator", "service"] : ["service"],
    caller: "actorId",
    users: ["userIds", "userKeys"],
    quota: "members",
  };
  const ensures: Access = {
    may: byUsers ? ["user", "service"] : ["service"],
    caller: "userId",
    users: ["memberIds", "memberKeys"],
    quota: "rooms",
  };
  const chat = chatService(parts);
  const health = healthService(readiness, [ChatService.typeName, Health.typeName]);
  const services = [ChatService, Health, ServerReflection, ServerReflectionV1Alpha];
  const { method } = ChatService;
  const { serverReflectionInfo: v1 } = ServerReflection.method;
  const { serverReflectionInfo: v1Alpha } = ServerReflectionV1Alpha.method;
  return [
    unary(method.createChatRoom, chat.createChatRoom, opens),
    unary(method.ensureRoom, chat.ensureRoom, ensures),
    unary(method.updateRoom, chat.updateRoom, {
      may: ["owner", "moderator", "service"],
      caller: "actorId",
      quota: "members",
    }),
    unary(method.deleteRoom, chat.deleteRoom, { may: ["owner", "service"], caller: "actorId", quota: "rooms" }),
    unary(method.getRooms, chat.getRooms, { may: ["user", "view", "service"], caller: "userId", quota: "pages" }),
    unary(method.addMembers, chat.addMembers, addsAll),
    unary(method.addMember, chat.addMember, adds),
    unary(method.sendMessage, chat.sendMessage, { ...sends, may: ["member", "service", "trusted"] }),
    stream(method.streamMessage, chat.streamMessage, reads),
    unary(method.getRoom, chat.getRoom, reads),
    unary(method.listRooms, chat.listRooms, { may: ["user"], caller: "userId", quota: "pages" }),
    unary(method.listMessages, chat.listMessages, reads),
    unary(method.listMembers, chat.listMembers, reads),
    unary(method.isMember, chat.isMember, {
      may: ["self", "member", "service", "trusted"],
      caller: "actorId",
      userKey: "known",
      quota: "pages",
    }),
    unary(method.removeMember, chat.removeMember, { ...rules, may: ["self", "moderator", "owner", "service"] }),
    unary(method.transferOwnership, chat.transferOwnership, rules),
    unary(method.setRole, chat.setRole, rules),
    unary(method.setMute, chat.setMute, { ...rules, may: ["moderator", "owner", "service"] }),
    unary(method.setBan, chat.setBan, {
      ...rules,
      may: ["moderator", "owner", "service"],
      userKey: "any, by services",
    }),
    unary(method.editMessage, chat.editMessage, { ...sends, may: ["author", "service"] }),
    unary(method.deleteMessage, chat.deleteMessage, { ...sends, may: ["author", "moderator", "owner", "service"] }),
    unary(method.setReaction, chat.setReaction, sends),
    unary(method.setPin, chat.setPin, {
      may: ["moderator", "owner", "service"],
      caller: "actorId",
      quota: "sends",
    }),
    unary(method.markRead, chat.markRead, signals),
    unary(method.sendTyping, chat.sendTyping, signals),
    stream(method.streamEvents, chat.streamEvents, reads),
    unary(method.listPresence, chat.listPresence, reads),
    unary(method.searchMessages, chat.searchMessages, reads),
    stream(method.streamAll, chat.streamAll, { may: ["service", "trusted"], quota: "pages" }),
    unary(method.getProfiles, chat.getProfiles, {
      may: ["user", "service", "trusted"],
      caller: "actorId",
      quota: "pages",
    }),
    unary(method.revokeTokens, chat.revokeTokens, { may: ["service"], quota: "members" }),

    unary(Health.method.check, health.check, anyone),
    stream(Health.method.watch, health.watch, anyone),
    unary(Health.method.list, health.list, anyone),
    exchange(v1, reflect(services, v1.output), anyone),
    exchange(v1Alpha, reflect(services, v1Alpha.output), anyone),
  ];
}
