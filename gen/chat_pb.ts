// Roomlog: every room is a log, every reader is a cursor on it.
//
// A room's changes are numbered 1, 2, 3, … without a hole, in the order in which they were committed. That number is
// `seq`; a reader's position is the seq of the last change it has.
//
// Every RPC is served at POST /chat_grpc.ChatService/<Method>, by that literal path, over Connect (JSON or binary),
// gRPC-Web and, where the runtime can carry it, gRPC. Those that only read take Connect's GET as well. A request is at
// most 64 KiB, also after it was unpacked; requests may come in gzip, and an answer above 1 KiB is in gzip for a caller
// who takes that. Streams are not compressed.
//
// Ids are positive. In JSON an int64 is a string ("7"); numbers are accepted up to 2^53 - 1, since beyond that many
// writers and readers of JSON make another number of them.
//
// A room's list of members is a second log beside that of its messages: every member added or removed takes the next
// number of it, `member_seq`. A reader's position in a room is a Cursor of both. Typing and read positions are in no log:
// readers are told of them in passing, and of the read positions anew whenever they have caught up.
//
// A database has an `epoch`, which is another one once it has been restored from a backup: numbers may then have been
// given a second time. A cursor of another epoch is refused or reset, never served with a hole.
//
// Who calls. A request says it by `authorization: Bearer …`, with a token that the product has signed, or with a service's
// key. A token's `sub` is the user's key, at most 128 characters: a decimal number from 1 to 2^63 - 1 is that user id, and
// any other key ("auth0|9f3c", a UUID) stands for an id from 2^52 to 2^53 - 1, which it gets once and keeps for ever. A
// field that names the caller may be left out, and is filled in then; another user in it is PERMISSION_DENIED.
// A token with `view: ["12", "post:7"]`, at most 50 rooms by id or key, lets its holder read and follow these rooms without
// being a member, and nothing else; it may have a `sub`.
// A service acts for the user that the caller's field names, or, by key, the header `roomlog-user`, and may then what that
// user may. Without a user, it acts for itself: it reads every room, and does what an owner may. Services aren't called
// from pages: one with an Origin is refused.
// Where AUTH=trust, requests are believed, and the caller's field (or the header) has to say who calls; AddMember, IsMember
// and GetProfiles may leave it out.
//
// An error's code says what to do next:
//   INVALID_ARGUMENT    the request is malformed: correct it. Details carry buf.validate.Violations, at most 10.
//   UNAUTHENTICATED     no token, or one that is malformed, expired, revoked or of somebody else: get a new one.
//   NOT_FOUND           no such room, or the caller may not read it, which is one and the same answer; or no such message
//                       in the room.
//   PERMISSION_DENIED   it is up to others, such as the author, the room's owner, or a service; or the request names
//                       another caller than its token.
//   FAILED_PRECONDITION the message has been deleted, the user is the owner; or nobody has decided who may call (AUTH).
//   ALREADY_EXISTS      it is there already, or client_message_id belongs to another message.
//   OUT_OF_RANGE        a cursor can't be served: it is beyond the room's newest change, before the oldest one that is
//                       kept, or of another epoch. Read the room anew, and follow it from the head that comes with it.
//   DEADLINE_EXCEEDED   the caller's own deadline has passed. A send that ended so may have been stored.
//   RESOURCE_EXHAUSTED  a limit: the request is too large, the caller too fast, the room full; or, over HTTP/2, more calls
//                       on one connection than it carries (below). Details carry google.rpc.ErrorInfo, whose metadata
//                       names the limit, and google.rpc.RetryInfo where waiting helps.
//   UNAVAILABLE         try again. A send that ended so may have been stored: repeat it with its client_message_id.
//                       A stream that ended so continues from its cursors.
//   UNIMPLEMENTED       no such method, a compression that is not gzip, or a protocol this runtime can't carry.
// A browser says UNKNOWN, without an answer, when the server or the network is gone: the same as UNAVAILABLE, so a stream
// continues from its cursors, and a send is repeated with its client_message_id. It also says so when a page's origin may
// not call.
//
// Connections. Over HTTP/2 a connection carries at most 250 calls at a time, streams among them: open another one for
// every 100 to 200 readers. Further calls may be refused, one by one, with RST_STREAM ENHANCE_YOUR_CALM, which gRPC
// clients call RESOURCE_EXHAUSTED: open another connection, or try again. A request's headers have at most 16 KiB; more
// end the call, or over HTTP/2 the connection. Over HTTP/1.1 a browser has six connections to a server for all of its
// tabs, and a stream takes one: follow all rooms with one stream, and let tabs share it, or put HTTP/2 in front. Who
// takes nothing of an answer or a stream for 30 seconds is hung up on.

// @generated by protoc-gen-es v2.17.0 with parameter "target=ts,import_extension=ts,erasable_syntax=true"
// @generated from file chat.proto (package chat_grpc, syntax proto3)
/* eslint-disable */

import type { GenEnum, GenFile, GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { enumDesc, fileDesc, messageDesc, serviceDesc } from "@bufbuild/protobuf/codegenv2";
import { file_buf_validate_validate } from "./buf/validate/validate_pb.ts";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
import type { Message as Message$1, UnknownEnum } from "@bufbuild/protobuf";

/**
 * Describes the file chat.proto.
 */
export const file_chat: GenFile = /*@__PURE__*/
  fileDesc("CgpjaGF0LnByb3RvEgljaGF0X2dycGMilQEKBFJvb20SCgoCaWQYASABKAMSDwoHcG9zdF9pZBgCIAEoAxIuCgpjcmVhdGVkX2F0GAMgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIuCgp1cGRhdGVkX2F0GAQgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIQCghvd25lcl9pZBgFIAEoAyKSAgoGTWVtYmVyEgoKAmlkGAEgASgDEg8KB3Jvb21faWQYAiABKAMSDwoHdXNlcl9pZBgDIAEoAxIuCgpjcmVhdGVkX2F0GAQgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIuCgp1cGRhdGVkX2F0GAUgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIXCg9yZWFkX21lc3NhZ2VfaWQYBiABKAMSEgoKbWVtYmVyX3NlcRgHIAEoAxIuCgpyZW1vdmVkX2F0GAggASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIdCgRyb2xlGAkgASgOMg8uY2hhdF9ncnBjLlJvbGUikgIKB01lc3NhZ2USCgoCaWQYASABKAMSDAoEYm9keRgCIAEoCRIPCgdyb29tX2lkGAMgASgDEg8KB3VzZXJfaWQYBCABKAMSLgoKY3JlYXRlZF9hdBgFIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASLgoKdXBkYXRlZF9hdBgGIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASCwoDc2VxGAcgASgDEhkKEWNsaWVudF9tZXNzYWdlX2lkGAggASgJEhMKC3JlcGx5X3RvX2lkGAkgASgDEi4KCmRlbGV0ZWRfYXQYCiABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wIlMKBkN1cnNvchIUCgNzZXEYASABKANCB7pIBCICKAASGwoKbWVtYmVyX3NlcRgCIAEoA0IHukgEIgIoABIWCgVlcG9jaBgDIAEoCUIHukgEcgIYICJDCg1DcmVhdGVSb29tUmVxEhgKB3Bvc3RfaWQYASABKANCB7pIBCICKAESGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoACJ9CgxBZGRNZW1iZXJSZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAEhkKCGFjdG9yX2lkGAMgASgDQge6SAQiAigAEh4KCHVzZXJfa2V5GAQgASgJQgy6SAlyBxiAAboBAQAiqAEKDlNlbmRNZXNzYWdlUmVxEhwKBGJvZHkYASABKAlCDrpIC3IJEAEYwD66AQEAEhgKB3Jvb21faWQYAiABKANCB7pIBCICKAESGAoHdXNlcl9pZBgDIAEoA0IHukgEIgIoABImChFjbGllbnRfbWVzc2FnZV9pZBgEIAEoCUILukgIcgYoQLoBAQASHAoLcmVwbHlfdG9faWQYBSABKANCB7pIBCICKAAi6QEKEFN0cmVhbU1lc3NhZ2VSZXESJAoIcm9vbV9pZHMYASADKANCErpID5IBDAgBEDIYASIEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAEkwKCWFmdGVyX3NlcRgDIAMoCzIpLmNoYXRfZ3JwYy5TdHJlYW1NZXNzYWdlUmVxLkFmdGVyU2VxRW50cnlCDrpIC5oBCBAyKgQiAigAEhYKBWVwb2NoGAQgASgJQge6SARyAhggGi8KDUFmdGVyU2VxRW50cnkSCwoDa2V5GAEgASgDEg0KBXZhbHVlGAIgASgDOgI4ASJtCgpHZXRSb29tUmVxEhoKB3Jvb21faWQYASABKANCB7pIBCICKAFIABIaCgdwb3N0X2lkGAIgASgDQge6SAQiAigBSAASGAoHdXNlcl9pZBgDIAEoA0IHukgEIgIoAEINCgRyb29tEgW6SAIIASJfCgxMaXN0Um9vbXNSZXESGAoHdXNlcl9pZBgBIAEoA0IHukgEIgIoABIYCgVsaW1pdBgCIAEoBUIJukgGGgQYZCgAEhsKCnBhZ2VfdG9rZW4YAyABKAlCB7pIBHICGGQiTgoMTGlzdFJvb21zUmVzEiUKBXJvb21zGAEgAygLMhYuY2hhdF9ncnBjLlJvb21TdW1tYXJ5EhcKD25leHRfcGFnZV90b2tlbhgCIAEoCSKmAQoLUm9vbVN1bW1hcnkSHQoEcm9vbRgBIAEoCzIPLmNoYXRfZ3JwYy5Sb29tEigKDGxhc3RfbWVzc2FnZRgCIAEoCzISLmNoYXRfZ3JwYy5NZXNzYWdlEh8KBGhlYWQYAyABKAsyES5jaGF0X2dycGMuQ3Vyc29yEhcKD3JlYWRfbWVzc2FnZV9pZBgEIAEoAxIUCgx1bnJlYWRfY291bnQYBSABKAUixQEKD0xpc3RNZXNzYWdlc1JlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASHAoJYmVmb3JlX2lkGAMgASgDQge6SAQiAigBSAASGwoIYWZ0ZXJfaWQYBCABKANCB7pIBCICKABIABIcCglhcm91bmRfaWQYBSABKANCB7pIBCICKAFIABIZCgVsaW1pdBgGIAEoBUIKukgHGgUYyAEoAEIKCghwb3NpdGlvbiKAAQoPTGlzdE1lc3NhZ2VzUmVzEiQKCG1lc3NhZ2VzGAEgAygLMhIuY2hhdF9ncnBjLk1lc3NhZ2USEwoLaGFzX2VhcmxpZXIYAiABKAgSEQoJaGFzX2xhdGVyGAMgASgIEh8KBGhlYWQYBCABKAsyES5jaGF0X2dycGMuQ3Vyc29yIn8KDkxpc3RNZW1iZXJzUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoABIeCg1hZnRlcl91c2VyX2lkGAMgASgDQge6SAQiAigAEhkKBWxpbWl0GAQgASgFQgq6SAcaBRjIASgAIkYKDkxpc3RNZW1iZXJzUmVzEiIKB21lbWJlcnMYASADKAsyES5jaGF0X2dycGMuTWVtYmVyEhAKCGhhc19tb3JlGAIgASgIInwKC0lzTWVtYmVyUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoABIZCghhY3Rvcl9pZBgDIAEoA0IHukgEIgIoABIeCgh1c2VyX2tleRgEIAEoCUIMukgJcgcYgAG6AQEAIiAKC0lzTWVtYmVyUmVzEhEKCWlzX21lbWJlchgBIAEoCCKAAQoPUmVtb3ZlTWVtYmVyUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoABIZCghhY3Rvcl9pZBgDIAEoA0IHukgEIgIoABIeCgh1c2VyX2tleRgEIAEoCUIMukgJcgcYgAG6AQEAIoUBChRUcmFuc2Zlck93bmVyc2hpcFJlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASGQoIYWN0b3JfaWQYAyABKANCB7pIBCICKAASHgoIdXNlcl9rZXkYBCABKAlCDLpICXIHGIABugEBACKmAQoKU2V0Um9sZVJlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASGQoIYWN0b3JfaWQYAyABKANCB7pIBCICKAASHgoIdXNlcl9rZXkYBCABKAlCDLpICXIHGIABugEBABIpCgRyb2xlGAUgASgOMg8uY2hhdF9ncnBjLlJvbGVCCrpIB4IBBBABIAAipAEKDkVkaXRNZXNzYWdlUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGwoKbWVzc2FnZV9pZBgCIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAMgASgDQge6SAQiAigAEhwKBGJvZHkYBCABKAlCDrpIC3IJEAEYwD66AQEAEiMKDmNsaWVudF9lZGl0X2lkGAUgASgJQgu6SAhyBihAugEBACJjChBEZWxldGVNZXNzYWdlUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGwoKbWVzc2FnZV9pZBgCIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAMgASgDQge6SAQiAigAIl4KC01hcmtSZWFkUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoABIbCgptZXNzYWdlX2lkGAMgASgDQge6SAQiAigBIkMKDVNlbmRUeXBpbmdSZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAIg8KDVNlbmRUeXBpbmdSZXMi+QEKD1N0cmVhbUV2ZW50c1JlcRIkCghyb29tX2lkcxgBIAMoA0ISukgPkgEMCAEQMhgBIgQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASPgoFYWZ0ZXIYAyADKAsyJS5jaGF0X2dycGMuU3RyZWFtRXZlbnRzUmVxLkFmdGVyRW50cnlCCLpIBZoBAhAyEiUKEWhlYXJ0YmVhdF9zZWNvbmRzGAQgASgFQgq6SAcaBRisAigAGj8KCkFmdGVyRW50cnkSCwoDa2V5GAEgASgDEiAKBXZhbHVlGAIgASgLMhEuY2hhdF9ncnBjLkN1cnNvcjoCOAEi2QIKBUV2ZW50EiUKB21lc3NhZ2UYASABKAsyEi5jaGF0X2dycGMuTWVzc2FnZUgAEikKDG1lbWJlcl9hZGRlZBgCIAEoCzIRLmNoYXRfZ3JwYy5NZW1iZXJIABIrCg5tZW1iZXJfcmVtb3ZlZBgDIAEoCzIRLmNoYXRfZ3JwYy5NZW1iZXJIABIqCgpyZWFkX21vdmVkGAQgASgLMhQuY2hhdF9ncnBjLlJlYWRNb3ZlZEgAEikKCWNhdWdodF91cBgFIAEoCzIULmNoYXRfZ3JwYy5Qb3NpdGlvbnNIABIpCgloZWFydGJlYXQYBiABKAsyFC5jaGF0X2dycGMuUG9zaXRpb25zSAASIQoFcmVzZXQYByABKAsyEC5jaGF0X2dycGMuUmVzZXRIABIjCgZ0eXBpbmcYCCABKAsyES5jaGF0X2dycGMuVHlwaW5nSABCBwoFZXZlbnQiggEKCVBvc2l0aW9ucxIyCgdjdXJzb3JzGAEgAygLMiEuY2hhdF9ncnBjLlBvc2l0aW9ucy5DdXJzb3JzRW50cnkaQQoMQ3Vyc29yc0VudHJ5EgsKA2tleRgBIAEoAxIgCgV2YWx1ZRgCIAEoCzIRLmNoYXRfZ3JwYy5DdXJzb3I6AjgBIjsKBVJlc2V0Eg8KB3Jvb21faWQYASABKAMSIQoGY3Vyc29yGAIgASgLMhEuY2hhdF9ncnBjLkN1cnNvciKXAQoJUmVhZE1vdmVkEg8KB3Jvb21faWQYASABKAMSQgoQcmVhZF9tZXNzYWdlX2lkcxgCIAMoCzIoLmNoYXRfZ3JwYy5SZWFkTW92ZWQuUmVhZE1lc3NhZ2VJZHNFbnRyeRo1ChNSZWFkTWVzc2FnZUlkc0VudHJ5EgsKA2tleRgBIAEoAxINCgV2YWx1ZRgCIAEoAzoCOAEiWgoGVHlwaW5nEg8KB3Jvb21faWQYASABKAMSDwoHdXNlcl9pZBgCIAEoAxIuCgpleHBpcmVzX2F0GAMgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcCJGCgdQcm9maWxlEg8KB3VzZXJfaWQYASABKAMSCwoDa2V5GAIgASgJEgwKBG5hbWUYAyABKAkSDwoHcGljdHVyZRgEIAEoCSJyCg5HZXRQcm9maWxlc1JlcRIgCgh1c2VyX2lkcxgBIAMoA0IOukgLkgEIEGQiBCICKAESIwoEa2V5cxgCIAMoCUIVukgSkgEPEGQiC3IJEAEYgAG6AQEAEhkKCGFjdG9yX2lkGAMgASgDQge6SAQiAigAIjYKDkdldFByb2ZpbGVzUmVzEiQKCHByb2ZpbGVzGAEgAygLMhIuY2hhdF9ncnBjLlByb2ZpbGUijgEKD1Jldm9rZVRva2Vuc1JlcRIaCgd1c2VyX2lkGAEgASgDQge6SAQiAigBSAASHQoDa2V5GAIgASgJQg66SAtyCRABGIABugEBAEgAEjEKDWlzc3VlZF9iZWZvcmUYAyABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wQg0KBHVzZXISBbpIAggBIhEKD1Jldm9rZVRva2Vuc1JlcypBCgRSb2xlEhQKEFJPTEVfVU5TUEVDSUZJRUQQABIPCgtST0xFX01FTUJFUhABEhIKDlJPTEVfTU9ERVJBVE9SEAIy3wkKC0NoYXRTZXJ2aWNlEjsKDkNyZWF0ZUNoYXRSb29tEhguY2hhdF9ncnBjLkNyZWF0ZVJvb21SZXEaDy5jaGF0X2dycGMuUm9vbRI3CglBZGRNZW1iZXISFy5jaGF0X2dycGMuQWRkTWVtYmVyUmVxGhEuY2hhdF9ncnBjLk1lbWJlchI8CgtTZW5kTWVzc2FnZRIZLmNoYXRfZ3JwYy5TZW5kTWVzc2FnZVJlcRoSLmNoYXRfZ3JwYy5NZXNzYWdlEkIKDVN0cmVhbU1lc3NhZ2USGy5jaGF0X2dycGMuU3RyZWFtTWVzc2FnZVJlcRoSLmNoYXRfZ3JwYy5NZXNzYWdlMAESNgoHR2V0Um9vbRIVLmNoYXRfZ3JwYy5HZXRSb29tUmVxGg8uY2hhdF9ncnBjLlJvb20iA5ACARJCCglMaXN0Um9vbXMSFy5jaGF0X2dycGMuTGlzdFJvb21zUmVxGhcuY2hhdF9ncnBjLkxpc3RSb29tc1JlcyIDkAIBEksKDExpc3RNZXNzYWdlcxIaLmNoYXRfZ3JwYy5MaXN0TWVzc2FnZXNSZXEaGi5jaGF0X2dycGMuTGlzdE1lc3NhZ2VzUmVzIgOQAgESSAoLTGlzdE1lbWJlcnMSGS5jaGF0X2dycGMuTGlzdE1lbWJlcnNSZXEaGS5jaGF0X2dycGMuTGlzdE1lbWJlcnNSZXMiA5ACARI/CghJc01lbWJlchIWLmNoYXRfZ3JwYy5Jc01lbWJlclJlcRoWLmNoYXRfZ3JwYy5Jc01lbWJlclJlcyIDkAIBEj0KDFJlbW92ZU1lbWJlchIaLmNoYXRfZ3JwYy5SZW1vdmVNZW1iZXJSZXEaES5jaGF0X2dycGMuTWVtYmVyEkUKEVRyYW5zZmVyT3duZXJzaGlwEh8uY2hhdF9ncnBjLlRyYW5zZmVyT3duZXJzaGlwUmVxGg8uY2hhdF9ncnBjLlJvb20SMwoHU2V0Um9sZRIVLmNoYXRfZ3JwYy5TZXRSb2xlUmVxGhEuY2hhdF9ncnBjLk1lbWJlchI8CgtFZGl0TWVzc2FnZRIZLmNoYXRfZ3JwYy5FZGl0TWVzc2FnZVJlcRoSLmNoYXRfZ3JwYy5NZXNzYWdlEkAKDURlbGV0ZU1lc3NhZ2USGy5jaGF0X2dycGMuRGVsZXRlTWVzc2FnZVJlcRoSLmNoYXRfZ3JwYy5NZXNzYWdlEjUKCE1hcmtSZWFkEhYuY2hhdF9ncnBjLk1hcmtSZWFkUmVxGhEuY2hhdF9ncnBjLk1lbWJlchJACgpTZW5kVHlwaW5nEhguY2hhdF9ncnBjLlNlbmRUeXBpbmdSZXEaGC5jaGF0X2dycGMuU2VuZFR5cGluZ1JlcxI+CgxTdHJlYW1FdmVudHMSGi5jaGF0X2dycGMuU3RyZWFtRXZlbnRzUmVxGhAuY2hhdF9ncnBjLkV2ZW50MAESSAoLR2V0UHJvZmlsZXMSGS5jaGF0X2dycGMuR2V0UHJvZmlsZXNSZXEaGS5jaGF0X2dycGMuR2V0UHJvZmlsZXNSZXMiA5ACARJGCgxSZXZva2VUb2tlbnMSGi5jaGF0X2dycGMuUmV2b2tlVG9rZW5zUmVxGhouY2hhdF9ncnBjLlJldm9rZVRva2Vuc1Jlc2IGcHJvdG8z", [file_buf_validate_validate, file_google_protobuf_timestamp]);

/**
 * The conversation behind one post.
 *
 * @generated from message chat_grpc.Room
 */
export type Room = Message$1<"chat_grpc.Room"> & {
  /**
   * Unique among all rooms.
   *
   * @generated from field: int64 id = 1;
   */
  id: bigint;

  /**
   * The post, ticket, order, … it belongs to; one room each.
   *
   * @generated from field: int64 post_id = 2;
   */
  postId: bigint;

  /**
   * When it was created, to the millisecond, by the server's clock.
   *
   * @generated from field: google.protobuf.Timestamp created_at = 3;
   */
  createdAt?: Timestamp | undefined;

  /**
   * When it last changed.
   *
   * @generated from field: google.protobuf.Timestamp updated_at = 4;
   */
  updatedAt?: Timestamp | undefined;

  /**
   * The member who may do everything in the room, also give roles and hand it on; 0 while the room has no members.
   *
   * @generated from field: int64 owner_id = 5;
   */
  ownerId: bigint;
};

/**
 * Describes the message chat_grpc.Room.
 * Use `create(RoomSchema)` to create a new message.
 */
export const RoomSchema: GenMessage<Room> = /*@__PURE__*/
  messageDesc(file_chat, 0);

/**
 * A user's membership of a room.
 *
 * @generated from message chat_grpc.Member
 */
export type Member = Message$1<"chat_grpc.Member"> & {
  /**
   * Unique among all memberships.
   *
   * @generated from field: int64 id = 1;
   */
  id: bigint;

  /**
   * The room.
   *
   * @generated from field: int64 room_id = 2;
   */
  roomId: bigint;

  /**
   * The user.
   *
   * @generated from field: int64 user_id = 3;
   */
  userId: bigint;

  /**
   * When the user was added.
   *
   * @generated from field: google.protobuf.Timestamp created_at = 4;
   */
  createdAt?: Timestamp | undefined;

  /**
   * When the membership last changed.
   *
   * @generated from field: google.protobuf.Timestamp updated_at = 5;
   */
  updatedAt?: Timestamp | undefined;

  /**
   * The newest message the member has read; 0 if there was none when the membership began, and none was marked since.
   *
   * @generated from field: int64 read_message_id = 6;
   */
  readMessageId: bigint;

  /**
   * The number of its beginning, or its end, among the changes of the room's members: 1, 2, 3, …
   *
   * @generated from field: int64 member_seq = 7;
   */
  memberSeq: bigint;

  /**
   * Set when the membership has ended.
   *
   * @generated from field: google.protobuf.Timestamp removed_at = 8;
   */
  removedAt?: Timestamp | undefined;

  /**
   * What the member may do; always said.
   *
   * @generated from field: chat_grpc.Role role = 9;
   */
  role: Role;
};

/**
 * Describes the message chat_grpc.Member.
 * Use `create(MemberSchema)` to create a new message.
 */
export const MemberSchema: GenMessage<Member> = /*@__PURE__*/
  messageDesc(file_chat, 1);

/**
 * A message, as of its latest change.
 *
 * @generated from message chat_grpc.Message
 */
export type Message = Message$1<"chat_grpc.Message"> & {
  /**
   * Unique among all messages; grows in the order of creation within a room.
   *
   * @generated from field: int64 id = 1;
   */
  id: bigint;

  /**
   * The text.
   *
   * @generated from field: string body = 2;
   */
  body: string;

  /**
   * The room it was sent to.
   *
   * @generated from field: int64 room_id = 3;
   */
  roomId: bigint;

  /**
   * The sender.
   *
   * @generated from field: int64 user_id = 4;
   */
  userId: bigint;

  /**
   * When it was stored, to the millisecond, by the server's clock. Order is seq's business, not time's.
   *
   * @generated from field: google.protobuf.Timestamp created_at = 5;
   */
  createdAt?: Timestamp | undefined;

  /**
   * When it last changed.
   *
   * @generated from field: google.protobuf.Timestamp updated_at = 6;
   */
  updatedAt?: Timestamp | undefined;

  /**
   * The number of its latest change in its room's log: 1, 2, 3, … without a hole.
   *
   * @generated from field: int64 seq = 7;
   */
  seq: bigint;

  /**
   * The sender's own id for it; empty if none was given.
   *
   * @generated from field: string client_message_id = 8;
   */
  clientMessageId: string;

  /**
   * The message of the same room that it replies to; 0 if none.
   *
   * @generated from field: int64 reply_to_id = 9;
   */
  replyToId: bigint;

  /**
   * Set when it has been deleted; the body is empty then.
   *
   * @generated from field: google.protobuf.Timestamp deleted_at = 10;
   */
  deletedAt?: Timestamp | undefined;
};

/**
 * Describes the message chat_grpc.Message.
 * Use `create(MessageSchema)` to create a new message.
 */
export const MessageSchema: GenMessage<Message> = /*@__PURE__*/
  messageDesc(file_chat, 2);

/**
 * A reader's position in a room: the changes up to here are known.
 *
 * @generated from message chat_grpc.Cursor
 */
export type Cursor = Message$1<"chat_grpc.Cursor"> & {
  /**
   * The last change of the room's messages.
   *
   * @generated from field: int64 seq = 1;
   */
  seq: bigint;

  /**
   * The last change of the room's members.
   *
   * @generated from field: int64 member_seq = 2;
   */
  memberSeq: bigint;

  /**
   * The epoch of the database that gave these numbers. A caller who leaves it out believes that it is still the same.
   *
   * @generated from field: string epoch = 3;
   */
  epoch: string;
};

/**
 * Describes the message chat_grpc.Cursor.
 * Use `create(CursorSchema)` to create a new message.
 */
export const CursorSchema: GenMessage<Cursor> = /*@__PURE__*/
  messageDesc(file_chat, 3);

/**
 * Asks for the room of a post.
 *
 * @generated from message chat_grpc.CreateRoomReq
 */
export type CreateRoomReq = Message$1<"chat_grpc.CreateRoomReq"> & {
  /**
   * The post the room belongs to.
   *
   * @generated from field: int64 post_id = 1;
   */
  postId: bigint;

  /**
   * The creator.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;
};

/**
 * Describes the message chat_grpc.CreateRoomReq.
 * Use `create(CreateRoomReqSchema)` to create a new message.
 */
export const CreateRoomReqSchema: GenMessage<CreateRoomReq> = /*@__PURE__*/
  messageDesc(file_chat, 4);

/**
 * Asks for a user to become a member.
 *
 * @generated from message chat_grpc.AddMemberReq
 */
export type AddMemberReq = Message$1<"chat_grpc.AddMemberReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The user to add.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * Who adds: the owner or a moderator.
   *
   * @generated from field: int64 actor_id = 3;
   */
  actorId: bigint;

  /**
   * The user by key, where user_id is 0. One that nobody had before gets its id.
   *
   * @generated from field: string user_key = 4;
   */
  userKey: string;
};

/**
 * Describes the message chat_grpc.AddMemberReq.
 * Use `create(AddMemberReqSchema)` to create a new message.
 */
export const AddMemberReqSchema: GenMessage<AddMemberReq> = /*@__PURE__*/
  messageDesc(file_chat, 5);

/**
 * A message to append.
 *
 * @generated from message chat_grpc.SendMessageReq
 */
export type SendMessageReq = Message$1<"chat_grpc.SendMessageReq"> & {
  /**
   * The text: 1 to 8,000 characters (Unicode code points), without U+0000.
   *
   * @generated from field: string body = 1;
   */
  body: string;

  /**
   * The room.
   *
   * @generated from field: int64 room_id = 2;
   */
  roomId: bigint;

  /**
   * The sender.
   *
   * @generated from field: int64 user_id = 3;
   */
  userId: bigint;

  /**
   * Optional: an id of the sender's choice, at most 64 bytes, without U+0000. A send repeated with the same room, user
   * and id returns the first message, for ever, as it is by then, instead of storing a second one. Use a fresh UUID per
   * message. The body is compared as long as the message has not been edited or deleted.
   *
   * @generated from field: string client_message_id = 4;
   */
  clientMessageId: string;

  /**
   * Optional: the message of this room, not deleted, that this one replies to. NOT_FOUND if there is none.
   *
   * @generated from field: int64 reply_to_id = 5;
   */
  replyToId: bigint;
};

/**
 * Describes the message chat_grpc.SendMessageReq.
 * Use `create(SendMessageReqSchema)` to create a new message.
 */
export const SendMessageReqSchema: GenMessage<SendMessageReq> = /*@__PURE__*/
  messageDesc(file_chat, 6);

/**
 * The rooms to follow.
 *
 * @generated from message chat_grpc.StreamMessageReq
 */
export type StreamMessageReq = Message$1<"chat_grpc.StreamMessageReq"> & {
  /**
   * 1 to 50 distinct rooms.
   *
   * @generated from field: repeated int64 room_ids = 1;
   */
  roomIds: bigint[];

  /**
   * The reader.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * Where to start, by room id: the last seq the caller has; 0 is the beginning. A room that is not in the map starts
   * at now.
   *
   * @generated from field: map<int64, int64> after_seq = 3;
   */
  afterSeq: { [key: string]: bigint };

  /**
   * Optional: the epoch of these numbers, as every Cursor has it. OUT_OF_RANGE if the database has another one by now.
   *
   * @generated from field: string epoch = 4;
   */
  epoch: string;
};

/**
 * Describes the message chat_grpc.StreamMessageReq.
 * Use `create(StreamMessageReqSchema)` to create a new message.
 */
export const StreamMessageReqSchema: GenMessage<StreamMessageReq> = /*@__PURE__*/
  messageDesc(file_chat, 7);

/**
 * Which room.
 *
 * @generated from message chat_grpc.GetRoomReq
 */
export type GetRoomReq = Message$1<"chat_grpc.GetRoomReq"> & {
  /**
   * One of its names.
   *
   * @generated from oneof chat_grpc.GetRoomReq.room
   */
  room: {
    /**
     * The room.
     *
     * @generated from field: int64 room_id = 1;
     */
    value: bigint;
    case: "roomId";
  } | {
    /**
     * The post it belongs to.
     *
     * @generated from field: int64 post_id = 2;
     */
    value: bigint;
    case: "postId";
  } | { case: undefined; value?: undefined };

  /**
   * The caller.
   *
   * @generated from field: int64 user_id = 3;
   */
  userId: bigint;
};

/**
 * Describes the message chat_grpc.GetRoomReq.
 * Use `create(GetRoomReqSchema)` to create a new message.
 */
export const GetRoomReqSchema: GenMessage<GetRoomReq> = /*@__PURE__*/
  messageDesc(file_chat, 8);

/**
 * Whose rooms, and which page of them.
 *
 * @generated from message chat_grpc.ListRoomsReq
 */
export type ListRoomsReq = Message$1<"chat_grpc.ListRoomsReq"> & {
  /**
   * The user.
   *
   * @generated from field: int64 user_id = 1;
   */
  userId: bigint;

  /**
   * At most 100; 0 means 50. A page of long texts ends earlier: next_page_token says whether it goes on.
   *
   * @generated from field: int32 limit = 2;
   */
  limit: number;

  /**
   * Empty for the first page; then the next_page_token of the page before.
   *
   * @generated from field: string page_token = 3;
   */
  pageToken: string;
};

/**
 * Describes the message chat_grpc.ListRoomsReq.
 * Use `create(ListRoomsReqSchema)` to create a new message.
 */
export const ListRoomsReqSchema: GenMessage<ListRoomsReq> = /*@__PURE__*/
  messageDesc(file_chat, 9);

/**
 * A page of a user's rooms.
 *
 * @generated from message chat_grpc.ListRoomsRes
 */
export type ListRoomsRes = Message$1<"chat_grpc.ListRoomsRes"> & {
  /**
   * Those with the newest message first. A room without messages counts from when the user was added.
   *
   * @generated from field: repeated chat_grpc.RoomSummary rooms = 1;
   */
  rooms: RoomSummary[];

  /**
   * Gets the next page; empty on the last one.
   *
   * @generated from field: string next_page_token = 2;
   */
  nextPageToken: string;
};

/**
 * Describes the message chat_grpc.ListRoomsRes.
 * Use `create(ListRoomsResSchema)` to create a new message.
 */
export const ListRoomsResSchema: GenMessage<ListRoomsRes> = /*@__PURE__*/
  messageDesc(file_chat, 10);

/**
 * A room, as one of its members sees it in a list.
 *
 * @generated from message chat_grpc.RoomSummary
 */
export type RoomSummary = Message$1<"chat_grpc.RoomSummary"> & {
  /**
   * The room.
   *
   * @generated from field: chat_grpc.Room room = 1;
   */
  room?: Room | undefined;

  /**
   * The message created last, maybe a tombstone; not set in an empty room.
   *
   * @generated from field: chat_grpc.Message last_message = 2;
   */
  lastMessage?: Message | undefined;

  /**
   * Where a stream has to start to miss nothing after this answer.
   *
   * @generated from field: chat_grpc.Cursor head = 3;
   */
  head?: Cursor | undefined;

  /**
   * The newest message the user has read.
   *
   * @generated from field: int64 read_message_id = 4;
   */
  readMessageId: bigint;

  /**
   * Messages of others that follow it and are not deleted, among the 1,000 messages that follow it.
   *
   * @generated from field: int32 unread_count = 5;
   */
  unreadCount: number;
};

/**
 * Describes the message chat_grpc.RoomSummary.
 * Use `create(RoomSummarySchema)` to create a new message.
 */
export const RoomSummarySchema: GenMessage<RoomSummary> = /*@__PURE__*/
  messageDesc(file_chat, 11);

/**
 * Which messages.
 *
 * @generated from message chat_grpc.ListMessagesReq
 */
export type ListMessagesReq = Message$1<"chat_grpc.ListMessagesReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The caller.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * Where the page lies; the newest messages, if not set.
   *
   * @generated from oneof chat_grpc.ListMessagesReq.position
   */
  position: {
    /**
     * The page ends before this message.
     *
     * @generated from field: int64 before_id = 3;
     */
    value: bigint;
    case: "beforeId";
  } | {
    /**
     * The page begins after this message; 0 is the beginning.
     *
     * @generated from field: int64 after_id = 4;
     */
    value: bigint;
    case: "afterId";
  } | {
    /**
     * The page has this message in its middle.
     *
     * @generated from field: int64 around_id = 5;
     */
    value: bigint;
    case: "aroundId";
  } | { case: undefined; value?: undefined };

  /**
   * At most 200; 0 means 50. A page of long texts ends earlier: has_earlier and has_later say where it goes on.
   *
   * @generated from field: int32 limit = 6;
   */
  limit: number;
};

/**
 * Describes the message chat_grpc.ListMessagesReq.
 * Use `create(ListMessagesReqSchema)` to create a new message.
 */
export const ListMessagesReqSchema: GenMessage<ListMessagesReq> = /*@__PURE__*/
  messageDesc(file_chat, 12);

/**
 * A page of messages.
 *
 * @generated from message chat_grpc.ListMessagesRes
 */
export type ListMessagesRes = Message$1<"chat_grpc.ListMessagesRes"> & {
  /**
   * In the order of their creation, each in its latest state, tombstones among them.
   *
   * @generated from field: repeated chat_grpc.Message messages = 1;
   */
  messages: Message[];

  /**
   * Whether the room has messages before the page.
   *
   * @generated from field: bool has_earlier = 2;
   */
  hasEarlier: boolean;

  /**
   * Whether it has messages after the page.
   *
   * @generated from field: bool has_later = 3;
   */
  hasLater: boolean;

  /**
   * Where a stream has to start to miss nothing after this answer.
   *
   * @generated from field: chat_grpc.Cursor head = 4;
   */
  head?: Cursor | undefined;
};

/**
 * Describes the message chat_grpc.ListMessagesRes.
 * Use `create(ListMessagesResSchema)` to create a new message.
 */
export const ListMessagesResSchema: GenMessage<ListMessagesRes> = /*@__PURE__*/
  messageDesc(file_chat, 13);

/**
 * Which members.
 *
 * @generated from message chat_grpc.ListMembersReq
 */
export type ListMembersReq = Message$1<"chat_grpc.ListMembersReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The caller.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * The page begins after this user; 0 is the beginning.
   *
   * @generated from field: int64 after_user_id = 3;
   */
  afterUserId: bigint;

  /**
   * At most 200; 0 means 50.
   *
   * @generated from field: int32 limit = 4;
   */
  limit: number;
};

/**
 * Describes the message chat_grpc.ListMembersReq.
 * Use `create(ListMembersReqSchema)` to create a new message.
 */
export const ListMembersReqSchema: GenMessage<ListMembersReq> = /*@__PURE__*/
  messageDesc(file_chat, 14);

/**
 * A page of members.
 *
 * @generated from message chat_grpc.ListMembersRes
 */
export type ListMembersRes = Message$1<"chat_grpc.ListMembersRes"> & {
  /**
   * By user id.
   *
   * @generated from field: repeated chat_grpc.Member members = 1;
   */
  members: Member[];

  /**
   * Whether there are members after the page.
   *
   * @generated from field: bool has_more = 2;
   */
  hasMore: boolean;
};

/**
 * Describes the message chat_grpc.ListMembersRes.
 * Use `create(ListMembersResSchema)` to create a new message.
 */
export const ListMembersResSchema: GenMessage<ListMembersRes> = /*@__PURE__*/
  messageDesc(file_chat, 15);

/**
 * The question.
 *
 * @generated from message chat_grpc.IsMemberReq
 */
export type IsMemberReq = Message$1<"chat_grpc.IsMemberReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The user.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * Who asks: the same user, a member, or nobody, which is a service.
   *
   * @generated from field: int64 actor_id = 3;
   */
  actorId: bigint;

  /**
   * The user by key, where user_id is 0.
   *
   * @generated from field: string user_key = 4;
   */
  userKey: string;
};

/**
 * Describes the message chat_grpc.IsMemberReq.
 * Use `create(IsMemberReqSchema)` to create a new message.
 */
export const IsMemberReqSchema: GenMessage<IsMemberReq> = /*@__PURE__*/
  messageDesc(file_chat, 16);

/**
 * The answer.
 *
 * @generated from message chat_grpc.IsMemberRes
 */
export type IsMemberRes = Message$1<"chat_grpc.IsMemberRes"> & {
  /**
   * Whether the user is a member of the room.
   *
   * @generated from field: bool is_member = 1;
   */
  isMember: boolean;
};

/**
 * Describes the message chat_grpc.IsMemberRes.
 * Use `create(IsMemberResSchema)` to create a new message.
 */
export const IsMemberResSchema: GenMessage<IsMemberRes> = /*@__PURE__*/
  messageDesc(file_chat, 17);

/**
 * A membership to end.
 *
 * @generated from message chat_grpc.RemoveMemberReq
 */
export type RemoveMemberReq = Message$1<"chat_grpc.RemoveMemberReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The member to remove.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * Who removes: the same user, the owner, a moderator, or nobody, which is a service.
   *
   * @generated from field: int64 actor_id = 3;
   */
  actorId: bigint;

  /**
   * The user by key, where user_id is 0.
   *
   * @generated from field: string user_key = 4;
   */
  userKey: string;
};

/**
 * Describes the message chat_grpc.RemoveMemberReq.
 * Use `create(RemoveMemberReqSchema)` to create a new message.
 */
export const RemoveMemberReqSchema: GenMessage<RemoveMemberReq> = /*@__PURE__*/
  messageDesc(file_chat, 18);

/**
 * A room to hand on.
 *
 * @generated from message chat_grpc.TransferOwnershipReq
 */
export type TransferOwnershipReq = Message$1<"chat_grpc.TransferOwnershipReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The member who becomes the owner.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * The owner.
   *
   * @generated from field: int64 actor_id = 3;
   */
  actorId: bigint;

  /**
   * The user by key, where user_id is 0.
   *
   * @generated from field: string user_key = 4;
   */
  userKey: string;
};

/**
 * Describes the message chat_grpc.TransferOwnershipReq.
 * Use `create(TransferOwnershipReqSchema)` to create a new message.
 */
export const TransferOwnershipReqSchema: GenMessage<TransferOwnershipReq> = /*@__PURE__*/
  messageDesc(file_chat, 19);

/**
 * A member's new role.
 *
 * @generated from message chat_grpc.SetRoleReq
 */
export type SetRoleReq = Message$1<"chat_grpc.SetRoleReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The member.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * Who decides: the owner.
   *
   * @generated from field: int64 actor_id = 3;
   */
  actorId: bigint;

  /**
   * The user by key, where user_id is 0.
   *
   * @generated from field: string user_key = 4;
   */
  userKey: string;

  /**
   * The role.
   *
   * @generated from field: chat_grpc.Role role = 5;
   */
  role: Role;
};

/**
 * Describes the message chat_grpc.SetRoleReq.
 * Use `create(SetRoleReqSchema)` to create a new message.
 */
export const SetRoleReqSchema: GenMessage<SetRoleReq> = /*@__PURE__*/
  messageDesc(file_chat, 20);

/**
 * A message's new text.
 *
 * @generated from message chat_grpc.EditMessageReq
 */
export type EditMessageReq = Message$1<"chat_grpc.EditMessageReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The message.
   *
   * @generated from field: int64 message_id = 2;
   */
  messageId: bigint;

  /**
   * Its author.
   *
   * @generated from field: int64 user_id = 3;
   */
  userId: bigint;

  /**
   * The text: 1 to 8,000 characters (Unicode code points), without U+0000.
   *
   * @generated from field: string body = 4;
   */
  body: string;

  /**
   * Optional: an id of the author's choice, at most 64 bytes. An edit repeated with it is not a second change, even if
   * other edits came between; it returns the message as it is. Use a fresh UUID per edit.
   *
   * @generated from field: string client_edit_id = 5;
   */
  clientEditId: string;
};

/**
 * Describes the message chat_grpc.EditMessageReq.
 * Use `create(EditMessageReqSchema)` to create a new message.
 */
export const EditMessageReqSchema: GenMessage<EditMessageReq> = /*@__PURE__*/
  messageDesc(file_chat, 21);

/**
 * A message to delete.
 *
 * @generated from message chat_grpc.DeleteMessageReq
 */
export type DeleteMessageReq = Message$1<"chat_grpc.DeleteMessageReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The message.
   *
   * @generated from field: int64 message_id = 2;
   */
  messageId: bigint;

  /**
   * Who deletes: its author, or the room's owner or a moderator.
   *
   * @generated from field: int64 user_id = 3;
   */
  userId: bigint;
};

/**
 * Describes the message chat_grpc.DeleteMessageReq.
 * Use `create(DeleteMessageReqSchema)` to create a new message.
 */
export const DeleteMessageReqSchema: GenMessage<DeleteMessageReq> = /*@__PURE__*/
  messageDesc(file_chat, 22);

/**
 * A read position.
 *
 * @generated from message chat_grpc.MarkReadReq
 */
export type MarkReadReq = Message$1<"chat_grpc.MarkReadReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The member.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * The newest message read.
   *
   * @generated from field: int64 message_id = 3;
   */
  messageId: bigint;
};

/**
 * Describes the message chat_grpc.MarkReadReq.
 * Use `create(MarkReadReqSchema)` to create a new message.
 */
export const MarkReadReqSchema: GenMessage<MarkReadReq> = /*@__PURE__*/
  messageDesc(file_chat, 23);

/**
 * Who types where.
 *
 * @generated from message chat_grpc.SendTypingReq
 */
export type SendTypingReq = Message$1<"chat_grpc.SendTypingReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The member.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;
};

/**
 * Describes the message chat_grpc.SendTypingReq.
 * Use `create(SendTypingReqSchema)` to create a new message.
 */
export const SendTypingReqSchema: GenMessage<SendTypingReq> = /*@__PURE__*/
  messageDesc(file_chat, 24);

/**
 * Nothing to say.
 *
 * @generated from message chat_grpc.SendTypingRes
 */
export type SendTypingRes = Message$1<"chat_grpc.SendTypingRes"> & {
};

/**
 * Describes the message chat_grpc.SendTypingRes.
 * Use `create(SendTypingResSchema)` to create a new message.
 */
export const SendTypingResSchema: GenMessage<SendTypingRes> = /*@__PURE__*/
  messageDesc(file_chat, 25);

/**
 * The rooms to follow.
 *
 * @generated from message chat_grpc.StreamEventsReq
 */
export type StreamEventsReq = Message$1<"chat_grpc.StreamEventsReq"> & {
  /**
   * 1 to 50 distinct rooms.
   *
   * @generated from field: repeated int64 room_ids = 1;
   */
  roomIds: bigint[];

  /**
   * The reader.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * Where to start, by room id. An empty Cursor is the beginning; a room that is not in the map starts at now.
   *
   * @generated from field: map<int64, chat_grpc.Cursor> after = 3;
   */
  after: { [key: string]: Cursor };

  /**
   * How often a heartbeat comes, in seconds: 1 to 300; 0 means 15.
   *
   * @generated from field: int32 heartbeat_seconds = 4;
   */
  heartbeatSeconds: number;
};

/**
 * Describes the message chat_grpc.StreamEventsReq.
 * Use `create(StreamEventsReqSchema)` to create a new message.
 */
export const StreamEventsReqSchema: GenMessage<StreamEventsReq> = /*@__PURE__*/
  messageDesc(file_chat, 26);

/**
 * Something that happened. An event of a kind that a client doesn't know is one it can leave out.
 *
 * @generated from message chat_grpc.Event
 */
export type Event = Message$1<"chat_grpc.Event"> & {
  /**
   * What it was.
   *
   * @generated from oneof chat_grpc.Event.event
   */
  event: {
    /**
     * A message was sent, edited or deleted; this is what it is now.
     *
     * @generated from field: chat_grpc.Message message = 1;
     */
    value: Message;
    case: "message";
  } | {
    /**
     * A user became a member, or has another role now; this is what the membership is now.
     *
     * @generated from field: chat_grpc.Member member_added = 2;
     */
    value: Member;
    case: "memberAdded";
  } | {
    /**
     * A membership ended. If it was the reader's own, nothing more comes of the room.
     *
     * @generated from field: chat_grpc.Member member_removed = 3;
     */
    value: Member;
    case: "memberRemoved";
  } | {
    /**
     * Read positions of a room's members moved, or may have while the reader was away.
     *
     * @generated from field: chat_grpc.ReadMoved read_moved = 4;
     */
    value: ReadMoved;
    case: "readMoved";
  } | {
    /**
     * Everything up to here has been delivered.
     *
     * @generated from field: chat_grpc.Positions caught_up = 5;
     */
    value: Positions;
    case: "caughtUp";
  } | {
    /**
     * Nothing is missing up to here; comes at the interval asked for.
     *
     * @generated from field: chat_grpc.Positions heartbeat = 6;
     */
    value: Positions;
    case: "heartbeat";
  } | {
    /**
     * A room could not be followed from the cursor given, and starts at now: read it anew.
     *
     * @generated from field: chat_grpc.Reset reset = 7;
     */
    value: Reset;
    case: "reset";
  } | {
    /**
     * A member is typing.
     *
     * @generated from field: chat_grpc.Typing typing = 8;
     */
    value: Typing;
    case: "typing";
  } | { case: undefined; value?: undefined };
};

/**
 * Describes the message chat_grpc.Event.
 * Use `create(EventSchema)` to create a new message.
 */
export const EventSchema: GenMessage<Event> = /*@__PURE__*/
  messageDesc(file_chat, 27);

/**
 * Positions in all rooms of a stream.
 *
 * @generated from message chat_grpc.Positions
 */
export type Positions = Message$1<"chat_grpc.Positions"> & {
  /**
   * By room id.
   *
   * @generated from field: map<int64, chat_grpc.Cursor> cursors = 1;
   */
  cursors: { [key: string]: Cursor };
};

/**
 * Describes the message chat_grpc.Positions.
 * Use `create(PositionsSchema)` to create a new message.
 */
export const PositionsSchema: GenMessage<Positions> = /*@__PURE__*/
  messageDesc(file_chat, 28);

/**
 * A room whose cursor can't be served: it is of another epoch, the database has lost changes that the reader has seen, or it
 * has erased some that the reader has not.
 *
 * @generated from message chat_grpc.Reset
 */
export type Reset = Message$1<"chat_grpc.Reset"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * Where the room starts now.
   *
   * @generated from field: chat_grpc.Cursor cursor = 2;
   */
  cursor?: Cursor | undefined;
};

/**
 * Describes the message chat_grpc.Reset.
 * Use `create(ResetSchema)` to create a new message.
 */
export const ResetSchema: GenMessage<Reset> = /*@__PURE__*/
  messageDesc(file_chat, 29);

/**
 * Where members have read to.
 *
 * @generated from message chat_grpc.ReadMoved
 */
export type ReadMoved = Message$1<"chat_grpc.ReadMoved"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The newest message read, by user id.
   *
   * @generated from field: map<int64, int64> read_message_ids = 2;
   */
  readMessageIds: { [key: string]: bigint };
};

/**
 * Describes the message chat_grpc.ReadMoved.
 * Use `create(ReadMovedSchema)` to create a new message.
 */
export const ReadMovedSchema: GenMessage<ReadMoved> = /*@__PURE__*/
  messageDesc(file_chat, 30);

/**
 * A member is typing, until expires_at at the longest; a message of the member ends it earlier.
 *
 * @generated from message chat_grpc.Typing
 */
export type Typing = Message$1<"chat_grpc.Typing"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * The member.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * When to stop showing it.
   *
   * @generated from field: google.protobuf.Timestamp expires_at = 3;
   */
  expiresAt?: Timestamp | undefined;
};

/**
 * Describes the message chat_grpc.Typing.
 * Use `create(TypingSchema)` to create a new message.
 */
export const TypingSchema: GenMessage<Typing> = /*@__PURE__*/
  messageDesc(file_chat, 31);

/**
 * A user, as the newest of the user's tokens that came here told it.
 *
 * @generated from message chat_grpc.Profile
 */
export type Profile = Message$1<"chat_grpc.Profile"> & {
  /**
   * The user's id.
   *
   * @generated from field: int64 user_id = 1;
   */
  userId: bigint;

  /**
   * The user's key.
   *
   * @generated from field: string key = 2;
   */
  key: string;

  /**
   * The name to show, at most 80 characters; empty if no token said one.
   *
   * @generated from field: string name = 3;
   */
  name: string;

  /**
   * The URL of a picture, by http or https, at most 2,048 characters; empty if no token said one.
   *
   * @generated from field: string picture = 4;
   */
  picture: string;
};

/**
 * Describes the message chat_grpc.Profile.
 * Use `create(ProfileSchema)` to create a new message.
 */
export const ProfileSchema: GenMessage<Profile> = /*@__PURE__*/
  messageDesc(file_chat, 32);

/**
 * Whose profiles: at most 100 users, by id, by key, or both.
 *
 * @generated from message chat_grpc.GetProfilesReq
 */
export type GetProfilesReq = Message$1<"chat_grpc.GetProfilesReq"> & {
  /**
   * Users by id.
   *
   * @generated from field: repeated int64 user_ids = 1;
   */
  userIds: bigint[];

  /**
   * Users by key.
   *
   * @generated from field: repeated string keys = 2;
   */
  keys: string[];

  /**
   * Who asks.
   *
   * @generated from field: int64 actor_id = 3;
   */
  actorId: bigint;
};

/**
 * Describes the message chat_grpc.GetProfilesReq.
 * Use `create(GetProfilesReqSchema)` to create a new message.
 */
export const GetProfilesReqSchema: GenMessage<GetProfilesReq> = /*@__PURE__*/
  messageDesc(file_chat, 33);

/**
 * Profiles of users.
 *
 * @generated from message chat_grpc.GetProfilesRes
 */
export type GetProfilesRes = Message$1<"chat_grpc.GetProfilesRes"> & {
  /**
   * Each user once, by user id.
   *
   * @generated from field: repeated chat_grpc.Profile profiles = 1;
   */
  profiles: Profile[];
};

/**
 * Describes the message chat_grpc.GetProfilesRes.
 * Use `create(GetProfilesResSchema)` to create a new message.
 */
export const GetProfilesResSchema: GenMessage<GetProfilesRes> = /*@__PURE__*/
  messageDesc(file_chat, 34);

/**
 * Whose tokens, and which.
 *
 * @generated from message chat_grpc.RevokeTokensReq
 */
export type RevokeTokensReq = Message$1<"chat_grpc.RevokeTokensReq"> & {
  /**
   * One of the user's names.
   *
   * @generated from oneof chat_grpc.RevokeTokensReq.user
   */
  user: {
    /**
     * By id.
     *
     * @generated from field: int64 user_id = 1;
     */
    value: bigint;
    case: "userId";
  } | {
    /**
     * By key.
     *
     * @generated from field: string key = 2;
     */
    value: string;
    case: "key";
  } | { case: undefined; value?: undefined };

  /**
   * Tokens issued before this time; if it isn't set, all that were issued before now. Tokens know whole seconds: one issued
   * within the same second counts as issued before. An earlier time than one that was said before changes nothing.
   *
   * @generated from field: google.protobuf.Timestamp issued_before = 3;
   */
  issuedBefore?: Timestamp | undefined;
};

/**
 * Describes the message chat_grpc.RevokeTokensReq.
 * Use `create(RevokeTokensReqSchema)` to create a new message.
 */
export const RevokeTokensReqSchema: GenMessage<RevokeTokensReq> = /*@__PURE__*/
  messageDesc(file_chat, 35);

/**
 * Nothing to say.
 *
 * @generated from message chat_grpc.RevokeTokensRes
 */
export type RevokeTokensRes = Message$1<"chat_grpc.RevokeTokensRes"> & {
};

/**
 * Describes the message chat_grpc.RevokeTokensRes.
 * Use `create(RevokeTokensResSchema)` to create a new message.
 */
export const RevokeTokensResSchema: GenMessage<RevokeTokensRes> = /*@__PURE__*/
  messageDesc(file_chat, 36);

/**
 * What a member may do in a room, beside what its owner may, who is Room.owner_id.
 *
 * @generated from enum chat_grpc.Role
 */
export const Role = {
  /**
   * Not said.
   *
   * @generated from enum value: ROLE_UNSPECIFIED = 0;
   */
  UNSPECIFIED: 0,

  /**
   * Reads and sends.
   *
   * @generated from enum value: ROLE_MEMBER = 1;
   */
  MEMBER: 1,

  /**
   * Also adds members, removes those without a role, and deletes messages.
   *
   * @generated from enum value: ROLE_MODERATOR = 2;
   */
  MODERATOR: 2,
} as const;

/**
 * What a member may do in a room, beside what its owner may, who is Room.owner_id.
 *
 * @generated from enum chat_grpc.Role
 */
export type Role = (typeof Role)[keyof typeof Role] | UnknownEnum;

/**
 * Describes the enum chat_grpc.Role.
 */
export const RoleSchema: GenEnum<Role> = /*@__PURE__*/
  enumDesc(file_chat, 0);

/**
 * Rooms, their members, and their logs of messages.
 *
 * @generated from service chat_grpc.ChatService
 */
export const ChatService: GenService<{
  /**
   * Opens the one room of a post. The creator becomes its first member in the same transaction. By services, and by users
   * where ROOM_CREATION=users, who may learn by it which posts have rooms.
   * ALREADY_EXISTS: the post has a room. RESOURCE_EXHAUSTED: the creator has as many rooms as a user may.
   *
   * @generated from rpc chat_grpc.ChatService.CreateChatRoom
   */
  createChatRoom: {
    methodKind: "unary";
    input: typeof CreateRoomReqSchema;
    output: typeof RoomSchema;
  },
  /**
   * Lets a user read the room, from its beginning, and send to it. By services, and where ROOM_CREATION=users by the room's
   * owner and moderators.
   * NOT_FOUND: no such room, or the actor is not a member. PERMISSION_DENIED: the actor is neither owner nor moderator.
   * ALREADY_EXISTS: the user is a member. RESOURCE_EXHAUSTED: the room is full, or the user has too many rooms.
   *
   * @generated from rpc chat_grpc.ChatService.AddMember
   */
  addMember: {
    methodKind: "unary";
    input: typeof AddMemberReqSchema;
    output: typeof MemberSchema;
  },
  /**
   * Appends a message to the room's log. When it returns, the message is durable.
   * NOT_FOUND: no such room, or the sender is not a member.
   * ALREADY_EXISTS: client_message_id belongs to a message of this sender in this room with another body.
   *
   * @generated from rpc chat_grpc.ChatService.SendMessage
   */
  sendMessage: {
    methodKind: "unary";
    input: typeof SendMessageReqSchema;
    output: typeof MessageSchema;
  },
  /**
   * Follows rooms live, from a cursor or from now. Each room's changes arrive in seq order, none missing, none twice;
   * there is no order between rooms. Response headers mean the stream is live: whatever is committed after they
   * arrive is delivered. The sender receives its own messages too; a user may hold several streams.
   * A stream ends only with an error; UNAVAILABLE means open it again with the cursors reached.
   * It ends with UNAUTHENTICATED when its token expires or is revoked: open the next one with a new token before.
   * NOT_FOUND: the caller may not read one of the rooms, or it doesn't exist.
   * OUT_OF_RANGE: a cursor can't be served. INVALID_ARGUMENT: a cursor for a room not in room_ids.
   *
   * @generated from rpc chat_grpc.ChatService.StreamMessage
   */
  streamMessage: {
    methodKind: "server_streaming";
    input: typeof StreamMessageReqSchema;
    output: typeof MessageSchema;
  },
  /**
   * A room, by its id or its post's. For members, views and services, as are the lists of its messages and members.
   * NOT_FOUND: no such room, or the caller may not read it.
   *
   * @generated from rpc chat_grpc.ChatService.GetRoom
   */
  getRoom: {
    methodKind: "unary";
    input: typeof GetRoomReqSchema;
    output: typeof RoomSchema;
  },
  /**
   * A user's rooms, those with the newest message first, each with what a list of conversations shows of it.
   * Messages that arrive between pages don't disturb them: the pages of one listing have every room once.
   * INVALID_ARGUMENT: page_token is not of such a listing.
   *
   * @generated from rpc chat_grpc.ChatService.ListRooms
   */
  listRooms: {
    methodKind: "unary";
    input: typeof ListRoomsReqSchema;
    output: typeof ListRoomsResSchema;
  },
  /**
   * A page of a room's messages, in the order of their creation.
   * NOT_FOUND: no such room, the caller may not read it, or no message around_id in the room.
   *
   * @generated from rpc chat_grpc.ChatService.ListMessages
   */
  listMessages: {
    methodKind: "unary";
    input: typeof ListMessagesReqSchema;
    output: typeof ListMessagesResSchema;
  },
  /**
   * A page of a room's members, by user id.
   * NOT_FOUND: no such room, or the caller may not read it.
   *
   * @generated from rpc chat_grpc.ChatService.ListMembers
   */
  listMembers: {
    methodKind: "unary";
    input: typeof ListMembersReqSchema;
    output: typeof ListMembersResSchema;
  },
  /**
   * Whether a user is a member of a room: the question of gateways that guard something of their own with it. Users ask
   * about themselves, members about others. False where there is no such room.
   * NOT_FOUND: the actor asks about another user, and is not a member.
   *
   * @generated from rpc chat_grpc.ChatService.IsMember
   */
  isMember: {
    methodKind: "unary";
    input: typeof IsMemberReqSchema;
    output: typeof IsMemberResSchema;
  },
  /**
   * Ends a membership. A member may leave; the owner may remove others, a moderator those without a role. From here on the
   * user's streams deliver nothing of the room, and say so. Being added again starts afresh.
   * When the owner leaves, the member who has been there longest becomes the owner. When the last member leaves, the
   * room keeps its log without an owner, and the next user who is added becomes the owner.
   * NOT_FOUND: the actor or the user is not a member. PERMISSION_DENIED: it is not up to the actor.
   *
   * @generated from rpc chat_grpc.ChatService.RemoveMember
   */
  removeMember: {
    methodKind: "unary";
    input: typeof RemoveMemberReqSchema;
    output: typeof MemberSchema;
  },
  /**
   * Hands a room on to another member.
   * NOT_FOUND: the actor or the user is not a member. PERMISSION_DENIED: the actor is not the owner.
   *
   * @generated from rpc chat_grpc.ChatService.TransferOwnership
   */
  transferOwnership: {
    methodKind: "unary";
    input: typeof TransferOwnershipReqSchema;
    output: typeof RoomSchema;
  },
  /**
   * Makes a member a moderator of the room, or takes that back. Readers of events are told by member_added.
   * NOT_FOUND: the actor or the user is not a member. PERMISSION_DENIED: the actor is not the owner.
   * FAILED_PRECONDITION: the user is the owner, who hands the room on with TransferOwnership.
   *
   * @generated from rpc chat_grpc.ChatService.SetRole
   */
  setRole: {
    methodKind: "unary";
    input: typeof SetRoleReqSchema;
    output: typeof MemberSchema;
  },
  /**
   * Changes a message's text. That is a change of the room's log: the message takes the next seq and travels as a send
   * does. Its id, creation time and place in history stay. The text it has already is no change.
   * NOT_FOUND: not a member, or no such message. PERMISSION_DENIED: not the author. FAILED_PRECONDITION: it is deleted.
   *
   * @generated from rpc chat_grpc.ChatService.EditMessage
   */
  editMessage: {
    methodKind: "unary";
    input: typeof EditMessageReqSchema;
    output: typeof MessageSchema;
  },
  /**
   * Deletes a message, which is the right of its author, of the room's owner and of its moderators. The text is gone from
   * the database; a tombstone with deleted_at keeps the place, takes the next seq and travels as a send does. Deleting
   * again is no change.
   * NOT_FOUND: not a member, or no such message. PERMISSION_DENIED: neither author, owner nor moderator.
   *
   * @generated from rpc chat_grpc.ChatService.DeleteMessage
   */
  deleteMessage: {
    methodKind: "unary";
    input: typeof DeleteMessageReqSchema;
    output: typeof MessageSchema;
  },
  /**
   * Moves a member's read position forward to a message; never back. Readers of events hear of it: in rooms of at most
   * 100 members all of them, in larger ones the member's own; at most once a second in a room. Readers on another server
   * hear of it with the room's next change.
   * NOT_FOUND: not a member, or no such message in the room.
   *
   * @generated from rpc chat_grpc.ChatService.MarkRead
   */
  markRead: {
    methodKind: "unary";
    input: typeof MarkReadReqSchema;
    output: typeof MemberSchema;
  },
  /**
   * Shows the other members for a few seconds that a member is typing. Nothing is stored. Once a second is enough:
   * what comes more often is not passed on, nor is it told on other servers.
   * NOT_FOUND: not a member.
   *
   * @generated from rpc chat_grpc.ChatService.SendTyping
   */
  sendTyping: {
    methodKind: "unary";
    input: typeof SendTypingReqSchema;
    output: typeof SendTypingResSchema;
  },
  /**
   * Follows rooms live with everything that happens in them, from cursors or from now. The first event is caught_up,
   * with the cursors it starts from. Then each room's message events come in seq order and its member events in
   * member_seq order, none missing, none twice. Whoever was away learns of every message and member that changed, once,
   * in its latest state. A stream ends only with an error; UNAVAILABLE means open it again with the cursors reached.
   * It ends with UNAUTHENTICATED when its token expires or is revoked: open the next one with a new token before.
   * NOT_FOUND: the caller may not read one of the rooms, or it doesn't exist.
   * INVALID_ARGUMENT: a cursor for a room not in room_ids.
   *
   * @generated from rpc chat_grpc.ChatService.StreamEvents
   */
  streamEvents: {
    methodKind: "server_streaming";
    input: typeof StreamEventsReqSchema;
    output: typeof EventSchema;
  },
  /**
   * Profiles of users, as their newest tokens told them: of those who share a room with the caller, and of the caller. To
   * services, of all. Users who aren't known, or aren't to be seen, are left out.
   * INVALID_ARGUMENT: more than 100 users.
   *
   * @generated from rpc chat_grpc.ChatService.GetProfiles
   */
  getProfiles: {
    methodKind: "unary";
    input: typeof GetProfilesReqSchema;
    output: typeof GetProfilesResSchema;
  },
  /**
   * Ends all tokens of a user that were issued before a time: within 2 seconds they are refused, and streams that were opened
   * with them end. By services only.
   * INVALID_ARGUMENT: the time is in the future.
   *
   * @generated from rpc chat_grpc.ChatService.RevokeTokens
   */
  revokeTokens: {
    methodKind: "unary";
    input: typeof RevokeTokensReqSchema;
    output: typeof RevokeTokensResSchema;
  },
}> = /*@__PURE__*/
  serviceDesc(file_chat, 0);

