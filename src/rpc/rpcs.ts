import { ChatService } from "../../gen/chat_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { type ChatParts, chatService } from "../chat/service.ts";
import { healthService } from "./health.ts";
import type { Readiness } from "./readiness.ts";
import { reflect } from "./reflection.ts";
import { type Access, exchange, type Rpc, stream, unary } from "./rpc.ts";

const ofUser: Access = { actor: "userId" };
const ofActor: Access = { actor: "actorId" };
const ofCaller: Access = {};
const anyone: Access = { isPublic: true };

/** Every RPC of the server: what runs, and who may call it. What has no row here can't be called. */
export function createRpcs(parts: ChatParts, readiness: Readiness): readonly Rpc[] {
  const chat = chatService(parts);
  const health = healthService(readiness, [ChatService.typeName, Health.typeName]);
  const services = [ChatService, Health, ServerReflection, ServerReflectionV1Alpha];
  const { method } = ChatService;
  const { serverReflectionInfo: v1 } = ServerReflection.method;
  const { serverReflectionInfo: v1Alpha } = ServerReflectionV1Alpha.method;
  return [
    unary(method.createChatRoom, chat.createChatRoom, ofUser),
    unary(method.addMember, chat.addMember, ofCaller),
    unary(method.sendMessage, chat.sendMessage, ofUser),
    stream(method.streamMessage, chat.streamMessage, ofUser),
    unary(method.getRoom, chat.getRoom, ofUser),
    unary(method.listRooms, chat.listRooms, ofUser),
    unary(method.listMessages, chat.listMessages, ofUser),
    unary(method.listMembers, chat.listMembers, ofUser),
    unary(method.isMember, chat.isMember, ofCaller),
    unary(method.removeMember, chat.removeMember, ofActor),
    unary(method.transferOwnership, chat.transferOwnership, ofActor),
    unary(method.editMessage, chat.editMessage, ofUser),
    unary(method.deleteMessage, chat.deleteMessage, ofUser),
    unary(method.markRead, chat.markRead, ofUser),
    unary(method.sendTyping, chat.sendTyping, ofUser),
    stream(method.streamEvents, chat.streamEvents, ofUser),

    unary(Health.method.check, health.check, anyone),
    stream(Health.method.watch, health.watch, anyone),
    unary(Health.method.list, health.list, anyone),
    exchange(v1, reflect(services, v1.output), anyone),
    exchange(v1Alpha, reflect(services, v1Alpha.output), anyone),
  ];
}
