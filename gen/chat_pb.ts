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
// Every change of a message takes the next seq: that it is sent, edited, deleted, reacted to, replied to, pinned. A room's
// record and its list of members are a second log beside that of its messages: every change of them takes the next number
// of it, `member_seq`. A reader's position in a room is a Cursor of both. Typing, presence and read positions are in no
// log: readers are told of them in passing, and of the read positions anew whenever they have caught up.
//
// The rooms are a log, too: whatever is committed takes the next `revision` of the database. A user's list of rooms is
// followed from a ListCursor on the revisions, and so is, by services, everything.
//
// A room has a key, a string of the product's own ("order:9d3c"), by which it is opened and found; the room of post 7 has
// the key "post:7". Where a time says until when something holds, 9999-12-31T23:59:59Z is for ever.
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
// and GetProfiles may leave it out, and so may SendMessage of a system message.
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
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { file_google_protobuf_duration, file_google_protobuf_struct, file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
import type { JsonObject, Message as Message$1, UnknownEnum } from "@bufbuild/protobuf";

/**
 * Describes the file chat.proto.
 */
export const file_chat: GenFile = /*@__PURE__*/
  fileDesc("CgpjaGF0LnByb3RvEgljaGF0X2dycGMizgIKBFJvb20SCgoCaWQYASABKAMSDwoHcG9zdF9pZBgCIAEoAxIuCgpjcmVhdGVkX2F0GAMgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIuCgp1cGRhdGVkX2F0GAQgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIQCghvd25lcl9pZBgFIAEoAxILCgNrZXkYBiABKAkSDAoEbmFtZRgHIAEoCRIlCgRkYXRhGAggASgLMhcuZ29vZ2xlLnByb3RvYnVmLlN0cnVjdBIUCgxtZW1iZXJfY291bnQYCSABKAUSEgoKbWVtYmVyX3NlcRgKIAEoAxIwCgxmcm96ZW5fdW50aWwYCyABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEhkKEXNsb3dfbW9kZV9zZWNvbmRzGAwgASgFIvUCCgZNZW1iZXISCgoCaWQYASABKAMSDwoHcm9vbV9pZBgCIAEoAxIPCgd1c2VyX2lkGAMgASgDEi4KCmNyZWF0ZWRfYXQYBCABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEi4KCnVwZGF0ZWRfYXQYBSABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEhcKD3JlYWRfbWVzc2FnZV9pZBgGIAEoAxISCgptZW1iZXJfc2VxGAcgASgDEi4KCnJlbW92ZWRfYXQYCCABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEh0KBHJvbGUYCSABKA4yDy5jaGF0X2dycGMuUm9sZRIvCgttdXRlZF91bnRpbBgKIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASMAoMYmFubmVkX3VudGlsGAsgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcCK+BAoHTWVzc2FnZRIKCgJpZBgBIAEoAxIMCgRib2R5GAIgASgJEg8KB3Jvb21faWQYAyABKAMSDwoHdXNlcl9pZBgEIAEoAxIuCgpjcmVhdGVkX2F0GAUgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIuCgp1cGRhdGVkX2F0GAYgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBILCgNzZXEYByABKAMSGQoRY2xpZW50X21lc3NhZ2VfaWQYCCABKAkSEwoLcmVwbHlfdG9faWQYCSABKAMSLgoKZGVsZXRlZF9hdBgKIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASJQoEZGF0YRgLIAEoCzIXLmdvb2dsZS5wcm90b2J1Zi5TdHJ1Y3QSJAoEa2luZBgMIAEoDjIWLmNoYXRfZ3JwYy5NZXNzYWdlS2luZBITCgtjcmVhdGVkX3NlcRgNIAEoAxItCgllZGl0ZWRfYXQYDiABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEhoKEm1lbnRpb25lZF91c2VyX2lkcxgPIAMoAxImCglyZWFjdGlvbnMYECADKAsyEy5jaGF0X2dycGMuUmVhY3Rpb24SEQoJdGhyZWFkX2lkGBEgASgDEhMKC3JlcGx5X2NvdW50GBIgASgFEi0KCXBpbm5lZF9hdBgTIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXAiOgoIUmVhY3Rpb24SDQoFZW1vamkYASABKAkSDQoFY291bnQYAiABKAUSEAoIdXNlcl9pZHMYAyADKAMiUwoGQ3Vyc29yEhQKA3NlcRgBIAEoA0IHukgEIgIoABIbCgptZW1iZXJfc2VxGAIgASgDQge6SAQiAigAEhYKBWVwb2NoGAMgASgJQge6SARyAhggIkMKDUNyZWF0ZVJvb21SZXESGAoHcG9zdF9pZBgBIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAIn0KDEFkZE1lbWJlclJlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASGQoIYWN0b3JfaWQYAyABKANCB7pIBCICKAASHgoIdXNlcl9rZXkYBCABKAlCDLpICXIHGIABugEBACKtAgoOU2VuZE1lc3NhZ2VSZXESHAoEYm9keRgBIAEoCUIOukgLcgkQARjAProBAQASGAoHcm9vbV9pZBgCIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAMgASgDQge6SAQiAigAEiYKEWNsaWVudF9tZXNzYWdlX2lkGAQgASgJQgu6SAhyBihAugEBABIcCgtyZXBseV90b19pZBgFIAEoA0IHukgEIgIoABIlCgRkYXRhGAYgASgLMhcuZ29vZ2xlLnByb3RvYnVmLlN0cnVjdBIuCgRraW5kGAcgASgOMhYuY2hhdF9ncnBjLk1lc3NhZ2VLaW5kQgi6SAWCAQIQARIsChJtZW50aW9uZWRfdXNlcl9pZHMYCCADKANCELpIDZIBChAyGAEiBCICKAEi6QEKEFN0cmVhbU1lc3NhZ2VSZXESJAoIcm9vbV9pZHMYASADKANCErpID5IBDAgBEDIYASIEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAEkwKCWFmdGVyX3NlcRgDIAMoCzIpLmNoYXRfZ3JwYy5TdHJlYW1NZXNzYWdlUmVxLkFmdGVyU2VxRW50cnlCDrpIC5oBCBAyKgQiAigAEhYKBWVwb2NoGAQgASgJQge6SARyAhggGi8KDUFmdGVyU2VxRW50cnkSCwoDa2V5GAEgASgDEg0KBXZhbHVlGAIgASgDOgI4ASKMAQoKR2V0Um9vbVJlcRIaCgdyb29tX2lkGAEgASgDQge6SAQiAigBSAASGgoHcG9zdF9pZBgCIAEoA0IHukgEIgIoAUgAEh0KA2tleRgEIAEoCUIOukgLcgkQARiAAboBAQBIABIYCgd1c2VyX2lkGAMgASgDQge6SAQiAigAQg0KBHJvb20SBbpIAggBIl8KDExpc3RSb29tc1JlcRIYCgd1c2VyX2lkGAEgASgDQge6SAQiAigAEhgKBWxpbWl0GAIgASgFQgm6SAYaBBhkKAASGwoKcGFnZV90b2tlbhgDIAEoCUIHukgEcgIYZCJzCgxMaXN0Um9vbXNSZXMSJQoFcm9vbXMYASADKAsyFi5jaGF0X2dycGMuUm9vbVN1bW1hcnkSFwoPbmV4dF9wYWdlX3Rva2VuGAIgASgJEiMKBGxpc3QYAyABKAsyFS5jaGF0X2dycGMuTGlzdEN1cnNvciL5AQoLUm9vbVN1bW1hcnkSHQoEcm9vbRgBIAEoCzIPLmNoYXRfZ3JwYy5Sb29tEigKDGxhc3RfbWVzc2FnZRgCIAEoCzISLmNoYXRfZ3JwYy5NZXNzYWdlEh8KBGhlYWQYAyABKAsyES5jaGF0X2dycGMuQ3Vyc29yEhcKD3JlYWRfbWVzc2FnZV9pZBgEIAEoAxIUCgx1bnJlYWRfY291bnQYBSABKAUSFwoPaGFzX21vcmVfdW5yZWFkGAYgASgIEhUKDW1lbnRpb25fY291bnQYByABKAUSIQoGbWVtYmVyGAggASgLMhEuY2hhdF9ncnBjLk1lbWJlciI/CgpMaXN0Q3Vyc29yEhkKCHJldmlzaW9uGAEgASgDQge6SAQiAigAEhYKBWVwb2NoGAIgASgJQge6SARyAhggIvEBCg9MaXN0TWVzc2FnZXNSZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAEhwKCWJlZm9yZV9pZBgDIAEoA0IHukgEIgIoAUgAEhsKCGFmdGVyX2lkGAQgASgDQge6SAQiAigASAASHAoJYXJvdW5kX2lkGAUgASgDQge6SAQiAigBSAASGQoFbGltaXQYBiABKAVCCrpIBxoFGMgBKAASGgoJdGhyZWFkX2lkGAcgASgDQge6SAQiAigAEg4KBnBpbm5lZBgIIAEoCEIKCghwb3NpdGlvbiKAAQoPTGlzdE1lc3NhZ2VzUmVzEiQKCG1lc3NhZ2VzGAEgAygLMhIuY2hhdF9ncnBjLk1lc3NhZ2USEwoLaGFzX2VhcmxpZXIYAiABKAgSEQoJaGFzX2xhdGVyGAMgASgIEh8KBGhlYWQYBCABKAsyES5jaGF0X2dycGMuQ3Vyc29yIo8BCg5MaXN0TWVtYmVyc1JlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASHgoNYWZ0ZXJfdXNlcl9pZBgDIAEoA0IHukgEIgIoABIZCgVsaW1pdBgEIAEoBUIKukgHGgUYyAEoABIOCgZiYW5uZWQYBSABKAgiRgoOTGlzdE1lbWJlcnNSZXMSIgoHbWVtYmVycxgBIAMoCzIRLmNoYXRfZ3JwYy5NZW1iZXISEAoIaGFzX21vcmUYAiABKAgifAoLSXNNZW1iZXJSZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAEhkKCGFjdG9yX2lkGAMgASgDQge6SAQiAigAEh4KCHVzZXJfa2V5GAQgASgJQgy6SAlyBxiAAboBAQAiIAoLSXNNZW1iZXJSZXMSEQoJaXNfbWVtYmVyGAEgASgIIoABCg9SZW1vdmVNZW1iZXJSZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAEhkKCGFjdG9yX2lkGAMgASgDQge6SAQiAigAEh4KCHVzZXJfa2V5GAQgASgJQgy6SAlyBxiAAboBAQAihQEKFFRyYW5zZmVyT3duZXJzaGlwUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoABIZCghhY3Rvcl9pZBgDIAEoA0IHukgEIgIoABIeCgh1c2VyX2tleRgEIAEoCUIMukgJcgcYgAG6AQEAIqYBCgpTZXRSb2xlUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoABIZCghhY3Rvcl9pZBgDIAEoA0IHukgEIgIoABIeCgh1c2VyX2tleRgEIAEoCUIMukgJcgcYgAG6AQEAEikKBHJvbGUYBSABKA4yDy5jaGF0X2dycGMuUm9sZUIKukgHggEEEAEgACLLAQoORWRpdE1lc3NhZ2VSZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIbCgptZXNzYWdlX2lkGAIgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAyABKANCB7pIBCICKAASHAoEYm9keRgEIAEoCUIOukgLcgkQARjAProBAQASIwoOY2xpZW50X2VkaXRfaWQYBSABKAlCC7pICHIGKEC6AQEAEiUKBGRhdGEYBiABKAsyFy5nb29nbGUucHJvdG9idWYuU3RydWN0ImMKEERlbGV0ZU1lc3NhZ2VSZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIbCgptZXNzYWdlX2lkGAIgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAyABKANCB7pIBCICKAAidQoLTWFya1JlYWRSZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAEhsKCm1lc3NhZ2VfaWQYAyABKANCB7pIBCICKAASFQoNbWF5X21vdmVfYmFjaxgEIAEoCCJUCg1TZW5kVHlwaW5nUmVxEhgKB3Jvb21faWQYASABKANCB7pIBCICKAESGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoABIPCgdzdG9wcGVkGAMgASgIIg8KDVNlbmRUeXBpbmdSZXMiyQIKD1N0cmVhbUV2ZW50c1JlcRIiCghyb29tX2lkcxgBIAMoA0IQukgNkgEKEDIYASIEIgIoARIYCgd1c2VyX2lkGAIgASgDQge6SAQiAigAEj4KBWFmdGVyGAMgAygLMiUuY2hhdF9ncnBjLlN0cmVhbUV2ZW50c1JlcS5BZnRlckVudHJ5Qgi6SAWaAQIQMhIlChFoZWFydGJlYXRfc2Vjb25kcxgEIAEoBUIKukgHGgUYrAIoABITCgtmb2xsb3dfbGlzdBgFIAEoCBIpCgpsaXN0X2FmdGVyGAYgASgLMhUuY2hhdF9ncnBjLkxpc3RDdXJzb3ISEAoIcHJlc2VuY2UYByABKAgaPwoKQWZ0ZXJFbnRyeRILCgNrZXkYASABKAMSIAoFdmFsdWUYAiABKAsyES5jaGF0X2dycGMuQ3Vyc29yOgI4ASK1BAoFRXZlbnQSJQoHbWVzc2FnZRgBIAEoCzISLmNoYXRfZ3JwYy5NZXNzYWdlSAASKQoMbWVtYmVyX2FkZGVkGAIgASgLMhEuY2hhdF9ncnBjLk1lbWJlckgAEisKDm1lbWJlcl9yZW1vdmVkGAMgASgLMhEuY2hhdF9ncnBjLk1lbWJlckgAEioKCnJlYWRfbW92ZWQYBCABKAsyFC5jaGF0X2dycGMuUmVhZE1vdmVkSAASKQoJY2F1Z2h0X3VwGAUgASgLMhQuY2hhdF9ncnBjLlBvc2l0aW9uc0gAEikKCWhlYXJ0YmVhdBgGIAEoCzIULmNoYXRfZ3JwYy5Qb3NpdGlvbnNIABIhCgVyZXNldBgHIAEoCzIQLmNoYXRfZ3JwYy5SZXNldEgAEiMKBnR5cGluZxgIIAEoCzIRLmNoYXRfZ3JwYy5UeXBpbmdIABInCgxyb29tX3VwZGF0ZWQYCSABKAsyDy5jaGF0X2dycGMuUm9vbUgAEi4KDHJvb21fZGVsZXRlZBgKIAEoCzIWLmNoYXRfZ3JwYy5Sb29tRGVsZXRlZEgAEi4KDHJvb21fY2hhbmdlZBgLIAEoCzIWLmNoYXRfZ3JwYy5Sb29tU3VtbWFyeUgAEigKCXJvb21fbGVmdBgMIAEoCzITLmNoYXRfZ3JwYy5Sb29tTGVmdEgAEicKCHByZXNlbmNlGA0gASgLMhMuY2hhdF9ncnBjLlByZXNlbmNlSABCBwoFZXZlbnQipwEKCVBvc2l0aW9ucxIyCgdjdXJzb3JzGAEgAygLMiEuY2hhdF9ncnBjLlBvc2l0aW9ucy5DdXJzb3JzRW50cnkSIwoEbGlzdBgCIAEoCzIVLmNoYXRfZ3JwYy5MaXN0Q3Vyc29yGkEKDEN1cnNvcnNFbnRyeRILCgNrZXkYASABKAMSIAoFdmFsdWUYAiABKAsyES5jaGF0X2dycGMuQ3Vyc29yOgI4ASIeCgtSb29tRGVsZXRlZBIPCgdyb29tX2lkGAEgASgDIhsKCFJvb21MZWZ0Eg8KB3Jvb21faWQYASABKAMiPAoIUHJlc2VuY2USDwoHcm9vbV9pZBgBIAEoAxIQCgh1c2VyX2lkcxgCIAMoAxINCgVjb3VudBgDIAEoBSI7CgVSZXNldBIPCgdyb29tX2lkGAEgASgDEiEKBmN1cnNvchgCIAEoCzIRLmNoYXRfZ3JwYy5DdXJzb3IilwEKCVJlYWRNb3ZlZBIPCgdyb29tX2lkGAEgASgDEkIKEHJlYWRfbWVzc2FnZV9pZHMYAiADKAsyKC5jaGF0X2dycGMuUmVhZE1vdmVkLlJlYWRNZXNzYWdlSWRzRW50cnkaNQoTUmVhZE1lc3NhZ2VJZHNFbnRyeRILCgNrZXkYASABKAMSDQoFdmFsdWUYAiABKAM6AjgBIpkBCgZUeXBpbmcSDwoHcm9vbV9pZBgBIAEoAxIPCgd1c2VyX2lkGAIgASgDEi4KCmV4cGlyZXNfYXQYAyABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEiwKCXJlbWFpbmluZxgEIAEoCzIZLmdvb2dsZS5wcm90b2J1Zi5EdXJhdGlvbhIPCgdzdG9wcGVkGAUgASgIIkYKB1Byb2ZpbGUSDwoHdXNlcl9pZBgBIAEoAxILCgNrZXkYAiABKAkSDAoEbmFtZRgDIAEoCRIPCgdwaWN0dXJlGAQgASgJInIKDkdldFByb2ZpbGVzUmVxEiAKCHVzZXJfaWRzGAEgAygDQg66SAuSAQgQZCIEIgIoARIjCgRrZXlzGAIgAygJQhW6SBKSAQ8QZCILcgkQARiAAboBAQASGQoIYWN0b3JfaWQYAyABKANCB7pIBCICKAAiNgoOR2V0UHJvZmlsZXNSZXMSJAoIcHJvZmlsZXMYASADKAsyEi5jaGF0X2dycGMuUHJvZmlsZSKOAQoPUmV2b2tlVG9rZW5zUmVxEhoKB3VzZXJfaWQYASABKANCB7pIBCICKAFIABIdCgNrZXkYAiABKAlCDrpIC3IJEAEYgAG6AQEASAASMQoNaXNzdWVkX2JlZm9yZRgDIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXBCDQoEdXNlchIFukgCCAEiEQoPUmV2b2tlVG9rZW5zUmVzIoYCCg1FbnN1cmVSb29tUmVxEh0KA2tleRgBIAEoCUIOukgLcgkQARiAAboBAQBIABIaCgdwb3N0X2lkGAIgASgDQge6SAQiAigBSAASGAoHdXNlcl9pZBgDIAEoA0IHukgEIgIoABIiCgptZW1iZXJfaWRzGAQgAygDQg66SAuSAQgQZCIEIgIoARIqCgttZW1iZXJfa2V5cxgFIAMoCUIVukgSkgEPEGQiC3IJEAEYgAG6AQEAEhoKBG5hbWUYBiABKAlCDLpICXIHGMgBugEBABIlCgRkYXRhGAcgASgLMhcuZ29vZ2xlLnByb3RvYnVmLlN0cnVjdEINCgRyb29tEgW6SAIIASKKAQoNRW5zdXJlUm9vbVJlcxIdCgRyb29tGAEgASgLMg8uY2hhdF9ncnBjLlJvb20SDgoGaXNfbmV3GAIgASgIEiIKB21lbWJlcnMYAyADKAsyES5jaGF0X2dycGMuTWVtYmVyEiYKCW5vdF9hZGRlZBgEIAMoCzITLmNoYXRfZ3JwYy5Ob3RBZGRlZCJWCghOb3RBZGRlZBIPCgd1c2VyX2lkGAEgASgDEg4KBnJlYXNvbhgCIAEoCRIpCgV1bnRpbBgDIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXAiiQIKDVVwZGF0ZVJvb21SZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIZCghhY3Rvcl9pZBgCIAEoA0IHukgEIgIoABIfCgRuYW1lGAMgASgJQgy6SAlyBxjIAboBAQBIAIgBARIlCgRkYXRhGAQgASgLMhcuZ29vZ2xlLnByb3RvYnVmLlN0cnVjdBIwCgxmcm96ZW5fdW50aWwYBSABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEioKEXNsb3dfbW9kZV9zZWNvbmRzGAYgASgFQgq6SAcaBRiQHCgASAGIAQFCBwoFX25hbWVCFAoSX3Nsb3dfbW9kZV9zZWNvbmRzIkQKDURlbGV0ZVJvb21SZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIZCghhY3Rvcl9pZBgCIAEoA0IHukgEIgIoACIPCg1EZWxldGVSb29tUmVzIm4KC0dldFJvb21zUmVxEiAKCHJvb21faWRzGAEgAygDQg66SAuSAQgQZCIEIgIoARIjCgRrZXlzGAIgAygJQhW6SBKSAQ8QZCILcgkQARiAAboBAQASGAoHdXNlcl9pZBgDIAEoA0IHukgEIgIoACJGCgtHZXRSb29tc1JlcxIlCgVyb29tcxgBIAMoCzIWLmNoYXRfZ3JwYy5Sb29tU3VtbWFyeRIQCghoYXNfbW9yZRgCIAEoCCKQAQoNQWRkTWVtYmVyc1JlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhkKCGFjdG9yX2lkGAIgASgDQge6SAQiAigAEiAKCHVzZXJfaWRzGAMgAygDQg66SAuSAQgQZCIEIgIoARIoCgl1c2VyX2tleXMYBCADKAlCFbpIEpIBDxBkIgtyCRABGIABugEBACJbCg1BZGRNZW1iZXJzUmVzEiIKB21lbWJlcnMYASADKAsyES5jaGF0X2dycGMuTWVtYmVyEiYKCW5vdF9hZGRlZBgCIAMoCzITLmNoYXRfZ3JwYy5Ob3RBZGRlZCKsAQoKU2V0TXV0ZVJlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASGQoIYWN0b3JfaWQYAyABKANCB7pIBCICKAASHgoIdXNlcl9rZXkYBCABKAlCDLpICXIHGIABugEBABIvCgttdXRlZF91bnRpbBgFIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXAirAEKCVNldEJhblJlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASGQoIYWN0b3JfaWQYAyABKANCB7pIBCICKAASHgoIdXNlcl9rZXkYBCABKAlCDLpICXIHGIABugEBABIwCgxiYW5uZWRfdW50aWwYBSABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wIosBCg5TZXRSZWFjdGlvblJlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhsKCm1lc3NhZ2VfaWQYAiABKANCB7pIBCICKAESGAoHdXNlcl9pZBgDIAEoA0IHukgEIgIoABIcCgVlbW9qaRgEIAEoCUINukgKcggQAShAugEBABIKCgJvbhgFIAEoCCJpCglTZXRQaW5SZXESGAoHcm9vbV9pZBgBIAEoA0IHukgEIgIoARIbCgptZXNzYWdlX2lkGAIgASgDQge6SAQiAigBEhkKCGFjdG9yX2lkGAMgASgDQge6SAQiAigAEgoKAm9uGAQgASgIImcKD0xpc3RQcmVzZW5jZVJlcRIYCgdyb29tX2lkGAEgASgDQge6SAQiAigBEhgKB3VzZXJfaWQYAiABKANCB7pIBCICKAASIAoIdXNlcl9pZHMYAyADKANCDrpIC5IBCBBkIgQiAigBIkgKD0xpc3RQcmVzZW5jZVJlcxImCgV1c2VycxgBIAMoCzIXLmNoYXRfZ3JwYy5Vc2VyUHJlc2VuY2USDQoFY291bnQYAiABKAUiYgoMVXNlclByZXNlbmNlEg8KB3VzZXJfaWQYASABKAMSDwoHaXNfaGVyZRgCIAEoCBIwCgxsYXN0X3NlZW5fYXQYAyABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wIp0BChFTZWFyY2hNZXNzYWdlc1JlcRIdCgVxdWVyeRgBIAEoCUIOukgLcgkQARjIAboBAQASGAoHdXNlcl9pZBgCIAEoA0IHukgEIgIoABIYCgdyb29tX2lkGAMgASgDQge6SAQiAigAEhgKBWxpbWl0GAQgASgFQgm6SAYaBBgyKAASGwoKcGFnZV90b2tlbhgFIAEoCUIHukgEcgIYZCJUChFTZWFyY2hNZXNzYWdlc1JlcxImCgVmb3VuZBgBIAMoCzIXLmNoYXRfZ3JwYy5Gb3VuZE1lc3NhZ2USFwoPbmV4dF9wYWdlX3Rva2VuGAIgASgJIlgKDEZvdW5kTWVzc2FnZRIjCgdtZXNzYWdlGAEgASgLMhIuY2hhdF9ncnBjLk1lc3NhZ2USIwoHZXhjZXJwdBgCIAMoCzISLmNoYXRfZ3JwYy5FeGNlcnB0IikKB0V4Y2VycHQSDAoEdGV4dBgBIAEoCRIQCghpc19tYXRjaBgCIAEoCCJNCgxTdHJlYW1BbGxSZXESFgoFYWZ0ZXIYASABKAlCB7pIBHICGGQSJQoRaGVhcnRiZWF0X3NlY29uZHMYAiABKAVCCrpIBxoFGKwCKAAi7wEKDFN0cmVhbUFsbFJlcxIOCgZjdXJzb3IYASABKAkSJQoHbWVzc2FnZRgCIAEoCzISLmNoYXRfZ3JwYy5NZXNzYWdlSAASIwoGbWVtYmVyGAMgASgLMhEuY2hhdF9ncnBjLk1lbWJlckgAEh8KBHJvb20YBCABKAsyDy5jaGF0X2dycGMuUm9vbUgAEi4KDHJvb21fZGVsZXRlZBgFIAEoCzIWLmNoYXRfZ3JwYy5Sb29tRGVsZXRlZEgAEikKCnVwX3RvX2RhdGUYBiABKAsyEy5jaGF0X2dycGMuVXBUb0RhdGVIAEIHCgVldmVudCIKCghVcFRvRGF0ZSpSCgRSb2xlEhQKEFJPTEVfVU5TUEVDSUZJRUQQABIPCgtST0xFX01FTUJFUhABEhIKDlJPTEVfTU9ERVJBVE9SEAISDwoLUk9MRV9SRUFERVIQAypbCgtNZXNzYWdlS2luZBIcChhNRVNTQUdFX0tJTkRfVU5TUEVDSUZJRUQQABIVChFNRVNTQUdFX0tJTkRfVVNFUhABEhcKE01FU1NBR0VfS0lORF9TWVNURU0QAjLaDwoLQ2hhdFNlcnZpY2USOwoOQ3JlYXRlQ2hhdFJvb20SGC5jaGF0X2dycGMuQ3JlYXRlUm9vbVJlcRoPLmNoYXRfZ3JwYy5Sb29tEkAKCkVuc3VyZVJvb20SGC5jaGF0X2dycGMuRW5zdXJlUm9vbVJlcRoYLmNoYXRfZ3JwYy5FbnN1cmVSb29tUmVzEjcKClVwZGF0ZVJvb20SGC5jaGF0X2dycGMuVXBkYXRlUm9vbVJlcRoPLmNoYXRfZ3JwYy5Sb29tEkAKCkRlbGV0ZVJvb20SGC5jaGF0X2dycGMuRGVsZXRlUm9vbVJlcRoYLmNoYXRfZ3JwYy5EZWxldGVSb29tUmVzEj8KCEdldFJvb21zEhYuY2hhdF9ncnBjLkdldFJvb21zUmVxGhYuY2hhdF9ncnBjLkdldFJvb21zUmVzIgOQAgESQAoKQWRkTWVtYmVycxIYLmNoYXRfZ3JwYy5BZGRNZW1iZXJzUmVxGhguY2hhdF9ncnBjLkFkZE1lbWJlcnNSZXMSNwoJQWRkTWVtYmVyEhcuY2hhdF9ncnBjLkFkZE1lbWJlclJlcRoRLmNoYXRfZ3JwYy5NZW1iZXISPAoLU2VuZE1lc3NhZ2USGS5jaGF0X2dycGMuU2VuZE1lc3NhZ2VSZXEaEi5jaGF0X2dycGMuTWVzc2FnZRJCCg1TdHJlYW1NZXNzYWdlEhsuY2hhdF9ncnBjLlN0cmVhbU1lc3NhZ2VSZXEaEi5jaGF0X2dycGMuTWVzc2FnZTABEjYKB0dldFJvb20SFS5jaGF0X2dycGMuR2V0Um9vbVJlcRoPLmNoYXRfZ3JwYy5Sb29tIgOQAgESQgoJTGlzdFJvb21zEhcuY2hhdF9ncnBjLkxpc3RSb29tc1JlcRoXLmNoYXRfZ3JwYy5MaXN0Um9vbXNSZXMiA5ACARJLCgxMaXN0TWVzc2FnZXMSGi5jaGF0X2dycGMuTGlzdE1lc3NhZ2VzUmVxGhouY2hhdF9ncnBjLkxpc3RNZXNzYWdlc1JlcyIDkAIBEkgKC0xpc3RNZW1iZXJzEhkuY2hhdF9ncnBjLkxpc3RNZW1iZXJzUmVxGhkuY2hhdF9ncnBjLkxpc3RNZW1iZXJzUmVzIgOQAgESPwoISXNNZW1iZXISFi5jaGF0X2dycGMuSXNNZW1iZXJSZXEaFi5jaGF0X2dycGMuSXNNZW1iZXJSZXMiA5ACARI9CgxSZW1vdmVNZW1iZXISGi5jaGF0X2dycGMuUmVtb3ZlTWVtYmVyUmVxGhEuY2hhdF9ncnBjLk1lbWJlchJFChFUcmFuc2Zlck93bmVyc2hpcBIfLmNoYXRfZ3JwYy5UcmFuc2Zlck93bmVyc2hpcFJlcRoPLmNoYXRfZ3JwYy5Sb29tEjMKB1NldFJvbGUSFS5jaGF0X2dycGMuU2V0Um9sZVJlcRoRLmNoYXRfZ3JwYy5NZW1iZXISMwoHU2V0TXV0ZRIVLmNoYXRfZ3JwYy5TZXRNdXRlUmVxGhEuY2hhdF9ncnBjLk1lbWJlchIxCgZTZXRCYW4SFC5jaGF0X2dycGMuU2V0QmFuUmVxGhEuY2hhdF9ncnBjLk1lbWJlchI8CgtFZGl0TWVzc2FnZRIZLmNoYXRfZ3JwYy5FZGl0TWVzc2FnZVJlcRoSLmNoYXRfZ3JwYy5NZXNzYWdlEkAKDURlbGV0ZU1lc3NhZ2USGy5jaGF0X2dycGMuRGVsZXRlTWVzc2FnZVJlcRoSLmNoYXRfZ3JwYy5NZXNzYWdlEjwKC1NldFJlYWN0aW9uEhkuY2hhdF9ncnBjLlNldFJlYWN0aW9uUmVxGhIuY2hhdF9ncnBjLk1lc3NhZ2USMgoGU2V0UGluEhQuY2hhdF9ncnBjLlNldFBpblJlcRoSLmNoYXRfZ3JwYy5NZXNzYWdlEjUKCE1hcmtSZWFkEhYuY2hhdF9ncnBjLk1hcmtSZWFkUmVxGhEuY2hhdF9ncnBjLk1lbWJlchJACgpTZW5kVHlwaW5nEhguY2hhdF9ncnBjLlNlbmRUeXBpbmdSZXEaGC5jaGF0X2dycGMuU2VuZFR5cGluZ1JlcxI+CgxTdHJlYW1FdmVudHMSGi5jaGF0X2dycGMuU3RyZWFtRXZlbnRzUmVxGhAuY2hhdF9ncnBjLkV2ZW50MAESSwoMTGlzdFByZXNlbmNlEhouY2hhdF9ncnBjLkxpc3RQcmVzZW5jZVJlcRoaLmNoYXRfZ3JwYy5MaXN0UHJlc2VuY2VSZXMiA5ACARJRCg5TZWFyY2hNZXNzYWdlcxIcLmNoYXRfZ3JwYy5TZWFyY2hNZXNzYWdlc1JlcRocLmNoYXRfZ3JwYy5TZWFyY2hNZXNzYWdlc1JlcyIDkAIBEj8KCVN0cmVhbUFsbBIXLmNoYXRfZ3JwYy5TdHJlYW1BbGxSZXEaFy5jaGF0X2dycGMuU3RyZWFtQWxsUmVzMAESSAoLR2V0UHJvZmlsZXMSGS5jaGF0X2dycGMuR2V0UHJvZmlsZXNSZXEaGS5jaGF0X2dycGMuR2V0UHJvZmlsZXNSZXMiA5ACARJGCgxSZXZva2VUb2tlbnMSGi5jaGF0X2dycGMuUmV2b2tlVG9rZW5zUmVxGhouY2hhdF9ncnBjLlJldm9rZVRva2Vuc1Jlc2IGcHJvdG8z", [file_buf_validate_validate, file_google_protobuf_duration, file_google_protobuf_struct, file_google_protobuf_timestamp]);

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
   * The post it belongs to; 0 if its key is not that of a post.
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

  /**
   * The product's own name of it, such as "order:9d3c"; unique among all rooms.
   *
   * @generated from field: string key = 6;
   */
  key: string;

  /**
   * What people see.
   *
   * @generated from field: string name = 7;
   */
  name: string;

  /**
   * The product's own; nothing here looks into it.
   *
   * @generated from field: google.protobuf.Struct data = 8;
   */
  data?: JsonObject | undefined;

  /**
   * Members, when this was read; their coming and going is told by events of theirs.
   *
   * @generated from field: int32 member_count = 9;
   */
  memberCount: number;

  /**
   * The number of this record's latest change among the changes of the room and its members; 0 if there was none.
   *
   * @generated from field: int64 member_seq = 10;
   */
  memberSeq: bigint;

  /**
   * Until when only the owner, moderators and services send, edit and react.
   *
   * @generated from field: google.protobuf.Timestamp frozen_until = 11;
   */
  frozenUntil?: Timestamp | undefined;

  /**
   * How many seconds a member has to wait after a message before sending the next; 0 is no wait. The owner, moderators and
   * services don't wait.
   *
   * @generated from field: int32 slow_mode_seconds = 12;
   */
  slowModeSeconds: number;
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
   * The number of its latest change among those of the room and its members: 1, 2, 3, … That it has begun, has ended, has
   * another role, was muted or banned; how far the member has read is no such change.
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

  /**
   * Until when the member may not send, edit and react.
   *
   * @generated from field: google.protobuf.Timestamp muted_until = 10;
   */
  mutedUntil?: Timestamp | undefined;

  /**
   * Until when the user can't be added again. The owner, moderators and services are told.
   *
   * @generated from field: google.protobuf.Timestamp banned_until = 11;
   */
  bannedUntil?: Timestamp | undefined;
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
   * The sender; 0 if a service sent it for nobody.
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
   * Set when it has been deleted; the body is empty then, and so is all that belongs to it.
   *
   * @generated from field: google.protobuf.Timestamp deleted_at = 10;
   */
  deletedAt?: Timestamp | undefined;

  /**
   * The product's own, such as attachments; nothing here looks into it.
   *
   * @generated from field: google.protobuf.Struct data = 11;
   */
  data?: JsonObject | undefined;

  /**
   * What it is; always said.
   *
   * @generated from field: chat_grpc.MessageKind kind = 12;
   */
  kind: MessageKind;

  /**
   * The seq it was sent with: an event of a message is new to a reader if this is after the reader's cursor. 0 if it is
   * older than the server that began to keep it.
   *
   * @generated from field: int64 created_seq = 13;
   */
  createdSeq: bigint;

  /**
   * When its text or data last changed.
   *
   * @generated from field: google.protobuf.Timestamp edited_at = 14;
   */
  editedAt?: Timestamp | undefined;

  /**
   * Members whom it mentions.
   *
   * @generated from field: repeated int64 mentioned_user_ids = 15;
   */
  mentionedUserIds: bigint[];

  /**
   * Those who came first first.
   *
   * @generated from field: repeated chat_grpc.Reaction reactions = 16;
   */
  reactions: Reaction[];

  /**
   * The message that its thread began with, if it is a reply, or a reply to a reply; 0 if not.
   *
   * @generated from field: int64 thread_id = 17;
   */
  threadId: bigint;

  /**
   * Messages in the thread that it began, those that are deleted left out.
   *
   * @generated from field: int32 reply_count = 18;
   */
  replyCount: number;

  /**
   * When it was pinned, if it is.
   *
   * @generated from field: google.protobuf.Timestamp pinned_at = 19;
   */
  pinnedAt?: Timestamp | undefined;
};

/**
 * Describes the message chat_grpc.Message.
 * Use `create(MessageSchema)` to create a new message.
 */
export const MessageSchema: GenMessage<Message> = /*@__PURE__*/
  messageDesc(file_chat, 2);

/**
 * A reaction to a message.
 *
 * @generated from message chat_grpc.Reaction
 */
export type Reaction = Message$1<"chat_grpc.Reaction"> & {
  /**
   * Which.
   *
   * @generated from field: string emoji = 1;
   */
  emoji: string;

  /**
   * Users who have it.
   *
   * @generated from field: int32 count = 2;
   */
  count: number;

  /**
   * At most 50 of them, those who came first.
   *
   * @generated from field: repeated int64 user_ids = 3;
   */
  userIds: bigint[];
};

/**
 * Describes the message chat_grpc.Reaction.
 * Use `create(ReactionSchema)` to create a new message.
 */
export const ReactionSchema: GenMessage<Reaction> = /*@__PURE__*/
  messageDesc(file_chat, 3);

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
  messageDesc(file_chat, 4);

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
  messageDesc(file_chat, 5);

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
  messageDesc(file_chat, 6);

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
   * message. Body and data are compared as long as the message has not been edited or deleted.
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

  /**
   * Optional: the product's own, at most 8 KiB as JSON, and 32 levels deep.
   *
   * @generated from field: google.protobuf.Struct data = 6;
   */
  data?: JsonObject | undefined;

  /**
   * Optional: what it is. System messages are sent by services, also without a user.
   *
   * @generated from field: chat_grpc.MessageKind kind = 7;
   */
  kind: MessageKind;

  /**
   * Optional: members whom it mentions. FAILED_PRECONDITION if one is no member.
   *
   * @generated from field: repeated int64 mentioned_user_ids = 8;
   */
  mentionedUserIds: bigint[];
};

/**
 * Describes the message chat_grpc.SendMessageReq.
 * Use `create(SendMessageReqSchema)` to create a new message.
 */
export const SendMessageReqSchema: GenMessage<SendMessageReq> = /*@__PURE__*/
  messageDesc(file_chat, 7);

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
  messageDesc(file_chat, 8);

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
  } | {
    /**
     * Its key.
     *
     * @generated from field: string key = 4;
     */
    value: string;
    case: "key";
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
  messageDesc(file_chat, 9);

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
   * At most 100; 0 means 50. A page of long texts, be it of messages or of rooms' names and data, ends earlier:
   * next_page_token says whether it goes on.
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
  messageDesc(file_chat, 10);

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

  /**
   * Where a stream has to start to follow the list from here on. Take that of the first page.
   *
   * @generated from field: chat_grpc.ListCursor list = 3;
   */
  list?: ListCursor | undefined;
};

/**
 * Describes the message chat_grpc.ListRoomsRes.
 * Use `create(ListRoomsResSchema)` to create a new message.
 */
export const ListRoomsResSchema: GenMessage<ListRoomsRes> = /*@__PURE__*/
  messageDesc(file_chat, 11);

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
   * Messages of others that follow it and are not deleted; at most 1,000.
   *
   * @generated from field: int32 unread_count = 5;
   */
  unreadCount: number;

  /**
   * Whether there may be more of them.
   *
   * @generated from field: bool has_more_unread = 6;
   */
  hasMoreUnread: boolean;

  /**
   * Those among them that mention the user; at most 1,000.
   *
   * @generated from field: int32 mention_count = 7;
   */
  mentionCount: number;

  /**
   * The user's membership; not set for who reads without one.
   *
   * @generated from field: chat_grpc.Member member = 8;
   */
  member?: Member | undefined;
};

/**
 * Describes the message chat_grpc.RoomSummary.
 * Use `create(RoomSummarySchema)` to create a new message.
 */
export const RoomSummarySchema: GenMessage<RoomSummary> = /*@__PURE__*/
  messageDesc(file_chat, 12);

/**
 * A position in the list of a user's rooms: what changed up to here is known.
 *
 * @generated from message chat_grpc.ListCursor
 */
export type ListCursor = Message$1<"chat_grpc.ListCursor"> & {
  /**
   * The last of the database's revisions that is known; 0 is the beginning.
   *
   * @generated from field: int64 revision = 1;
   */
  revision: bigint;

  /**
   * The epoch of the database that gave it. A caller who leaves it out believes that it is still the same.
   *
   * @generated from field: string epoch = 2;
   */
  epoch: string;
};

/**
 * Describes the message chat_grpc.ListCursor.
 * Use `create(ListCursorSchema)` to create a new message.
 */
export const ListCursorSchema: GenMessage<ListCursor> = /*@__PURE__*/
  messageDesc(file_chat, 13);

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

  /**
   * Optional: only the replies of the thread that began with this message.
   *
   * @generated from field: int64 thread_id = 7;
   */
  threadId: bigint;

  /**
   * Only those that are pinned.
   *
   * @generated from field: bool pinned = 8;
   */
  pinned: boolean;
};

/**
 * Describes the message chat_grpc.ListMessagesReq.
 * Use `create(ListMessagesReqSchema)` to create a new message.
 */
export const ListMessagesReqSchema: GenMessage<ListMessagesReq> = /*@__PURE__*/
  messageDesc(file_chat, 14);

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
  messageDesc(file_chat, 15);

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

  /**
   * Those who are banned, instead of the members. For the owner, moderators and services.
   *
   * @generated from field: bool banned = 5;
   */
  banned: boolean;
};

/**
 * Describes the message chat_grpc.ListMembersReq.
 * Use `create(ListMembersReqSchema)` to create a new message.
 */
export const ListMembersReqSchema: GenMessage<ListMembersReq> = /*@__PURE__*/
  messageDesc(file_chat, 16);

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
  messageDesc(file_chat, 17);

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
  messageDesc(file_chat, 18);

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
  messageDesc(file_chat, 19);

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
  messageDesc(file_chat, 20);

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
  messageDesc(file_chat, 21);

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
  messageDesc(file_chat, 22);

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

  /**
   * Optional: the data, which stays as it is if this isn't set.
   *
   * @generated from field: google.protobuf.Struct data = 6;
   */
  data?: JsonObject | undefined;
};

/**
 * Describes the message chat_grpc.EditMessageReq.
 * Use `create(EditMessageReqSchema)` to create a new message.
 */
export const EditMessageReqSchema: GenMessage<EditMessageReq> = /*@__PURE__*/
  messageDesc(file_chat, 23);

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
  messageDesc(file_chat, 24);

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
   * The newest message read; 0, where the position may move back, if none is.
   *
   * @generated from field: int64 message_id = 3;
   */
  messageId: bigint;

  /**
   * Whether the position may move back.
   *
   * @generated from field: bool may_move_back = 4;
   */
  mayMoveBack: boolean;
};

/**
 * Describes the message chat_grpc.MarkReadReq.
 * Use `create(MarkReadReqSchema)` to create a new message.
 */
export const MarkReadReqSchema: GenMessage<MarkReadReq> = /*@__PURE__*/
  messageDesc(file_chat, 25);

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

  /**
   * Whether the member has stopped.
   *
   * @generated from field: bool stopped = 3;
   */
  stopped: boolean;
};

/**
 * Describes the message chat_grpc.SendTypingReq.
 * Use `create(SendTypingReqSchema)` to create a new message.
 */
export const SendTypingReqSchema: GenMessage<SendTypingReq> = /*@__PURE__*/
  messageDesc(file_chat, 26);

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
  messageDesc(file_chat, 27);

/**
 * What to follow.
 *
 * @generated from message chat_grpc.StreamEventsReq
 */
export type StreamEventsReq = Message$1<"chat_grpc.StreamEventsReq"> & {
  /**
   * 1 to 50 distinct rooms; none, if the list is followed.
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

  /**
   * Whether to follow the list of the reader's rooms as well, however many there are.
   *
   * @generated from field: bool follow_list = 5;
   */
  followList: boolean;

  /**
   * Where to start in the list; at now, if it isn't set. A cursor that can't be served is told by a reset of room 0, and
   * the list starts at its beginning.
   *
   * @generated from field: chat_grpc.ListCursor list_after = 6;
   */
  listAfter?: ListCursor | undefined;

  /**
   * Whether to be told who is here in the rooms that are named.
   *
   * @generated from field: bool presence = 7;
   */
  presence: boolean;
};

/**
 * Describes the message chat_grpc.StreamEventsReq.
 * Use `create(StreamEventsReqSchema)` to create a new message.
 */
export const StreamEventsReqSchema: GenMessage<StreamEventsReq> = /*@__PURE__*/
  messageDesc(file_chat, 28);

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
     * A message was sent, edited, deleted, reacted to, replied to or pinned; this is what it is now.
     *
     * @generated from field: chat_grpc.Message message = 1;
     */
    value: Message;
    case: "message";
  } | {
    /**
     * A user became a member, has another role now, or was muted; this is what the membership is now.
     *
     * @generated from field: chat_grpc.Member member_added = 2;
     */
    value: Member;
    case: "memberAdded";
  } | {
    /**
     * A membership ended, or who isn't a member was banned, or may be added again. If it was the reader's own, nothing more
     * comes of the room.
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
     * A member is typing, or has stopped.
     *
     * @generated from field: chat_grpc.Typing typing = 8;
     */
    value: Typing;
    case: "typing";
  } | {
    /**
     * The room has another name, other data, another owner, or is frozen or slow in another way; this is what it is now.
     *
     * @generated from field: chat_grpc.Room room_updated = 9;
     */
    value: Room;
    case: "roomUpdated";
  } | {
    /**
     * The room is deleted, and nothing more comes of it.
     *
     * @generated from field: chat_grpc.RoomDeleted room_deleted = 10;
     */
    value: RoomDeleted;
    case: "roomDeleted";
  } | {
    /**
     * Of the list: a room is new in it, or something that it shows has changed; this is what it shows now.
     *
     * @generated from field: chat_grpc.RoomSummary room_changed = 11;
     */
    value: RoomSummary;
    case: "roomChanged";
  } | {
    /**
     * Of the list: a room is not in it any more.
     *
     * @generated from field: chat_grpc.RoomLeft room_left = 12;
     */
    value: RoomLeft;
    case: "roomLeft";
  } | {
    /**
     * Who is here in a room.
     *
     * @generated from field: chat_grpc.Presence presence = 13;
     */
    value: Presence;
    case: "presence";
  } | { case: undefined; value?: undefined };
};

/**
 * Describes the message chat_grpc.Event.
 * Use `create(EventSchema)` to create a new message.
 */
export const EventSchema: GenMessage<Event> = /*@__PURE__*/
  messageDesc(file_chat, 29);

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

  /**
   * In the list, if it is followed.
   *
   * @generated from field: chat_grpc.ListCursor list = 2;
   */
  list?: ListCursor | undefined;
};

/**
 * Describes the message chat_grpc.Positions.
 * Use `create(PositionsSchema)` to create a new message.
 */
export const PositionsSchema: GenMessage<Positions> = /*@__PURE__*/
  messageDesc(file_chat, 30);

/**
 * A room that is deleted.
 *
 * @generated from message chat_grpc.RoomDeleted
 */
export type RoomDeleted = Message$1<"chat_grpc.RoomDeleted"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;
};

/**
 * Describes the message chat_grpc.RoomDeleted.
 * Use `create(RoomDeletedSchema)` to create a new message.
 */
export const RoomDeletedSchema: GenMessage<RoomDeleted> = /*@__PURE__*/
  messageDesc(file_chat, 31);

/**
 * A room that the reader is not a member of any more.
 *
 * @generated from message chat_grpc.RoomLeft
 */
export type RoomLeft = Message$1<"chat_grpc.RoomLeft"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;
};

/**
 * Describes the message chat_grpc.RoomLeft.
 * Use `create(RoomLeftSchema)` to create a new message.
 */
export const RoomLeftSchema: GenMessage<RoomLeft> = /*@__PURE__*/
  messageDesc(file_chat, 32);

/**
 * Who is here in a room; comes when that has changed, at most once a second: within two seconds if somebody has come, within
 * five if somebody has gone.
 *
 * @generated from message chat_grpc.Presence
 */
export type Presence = Message$1<"chat_grpc.Presence"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * At most 100 users, those who came first.
   *
   * @generated from field: repeated int64 user_ids = 2;
   */
  userIds: bigint[];

  /**
   * How many there are in all.
   *
   * @generated from field: int32 count = 3;
   */
  count: number;
};

/**
 * Describes the message chat_grpc.Presence.
 * Use `create(PresenceSchema)` to create a new message.
 */
export const PresenceSchema: GenMessage<Presence> = /*@__PURE__*/
  messageDesc(file_chat, 33);

/**
 * A room whose cursor can't be served: it is of another epoch, the database has lost changes that the reader has seen, or
 * it has erased some that the reader has not.
 *
 * @generated from message chat_grpc.Reset
 */
export type Reset = Message$1<"chat_grpc.Reset"> & {
  /**
   * The room; 0 is the list.
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
  messageDesc(file_chat, 34);

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
  messageDesc(file_chat, 35);

/**
 * A member is typing, for as long as `remaining` says at the longest; a message of the member ends it earlier.
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
   * When to stop showing it, by the server's clock: `remaining` needs none.
   *
   * @generated from field: google.protobuf.Timestamp expires_at = 3;
   */
  expiresAt?: Timestamp | undefined;

  /**
   * How long to show it.
   *
   * @generated from field: google.protobuf.Duration remaining = 4;
   */
  remaining?: Duration | undefined;

  /**
   * Whether the member has stopped.
   *
   * @generated from field: bool stopped = 5;
   */
  stopped: boolean;
};

/**
 * Describes the message chat_grpc.Typing.
 * Use `create(TypingSchema)` to create a new message.
 */
export const TypingSchema: GenMessage<Typing> = /*@__PURE__*/
  messageDesc(file_chat, 36);

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
  messageDesc(file_chat, 37);

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
  messageDesc(file_chat, 38);

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
  messageDesc(file_chat, 39);

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
  messageDesc(file_chat, 40);

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
  messageDesc(file_chat, 41);

/**
 * The room to open, and those to let in: at most 100 users.
 *
 * @generated from message chat_grpc.EnsureRoomReq
 */
export type EnsureRoomReq = Message$1<"chat_grpc.EnsureRoomReq"> & {
  /**
   * Its key.
   *
   * @generated from oneof chat_grpc.EnsureRoomReq.room
   */
  room: {
    /**
     * The product's own: 1 to 128 characters, such as "order:9d3c". "post:7" is the room of post 7.
     *
     * @generated from field: string key = 1;
     */
    value: string;
    case: "key";
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
   * The creator, who owns a new room. Where a service names none, the first of the members does.
   *
   * @generated from field: int64 user_id = 3;
   */
  userId: bigint;

  /**
   * Users to let in, by id.
   *
   * @generated from field: repeated int64 member_ids = 4;
   */
  memberIds: bigint[];

  /**
   * Likewise by key. One that nobody had before gets its id.
   *
   * @generated from field: repeated string member_keys = 5;
   */
  memberKeys: string[];

  /**
   * Of a new room, what people see: at most 200 characters.
   *
   * @generated from field: string name = 6;
   */
  name: string;

  /**
   * Of a new room, the product's own: at most 8 KiB as JSON, and 32 levels deep.
   *
   * @generated from field: google.protobuf.Struct data = 7;
   */
  data?: JsonObject | undefined;
};

/**
 * Describes the message chat_grpc.EnsureRoomReq.
 * Use `create(EnsureRoomReqSchema)` to create a new message.
 */
export const EnsureRoomReqSchema: GenMessage<EnsureRoomReq> = /*@__PURE__*/
  messageDesc(file_chat, 42);

/**
 * The room, and who is in it.
 *
 * @generated from message chat_grpc.EnsureRoomRes
 */
export type EnsureRoomRes = Message$1<"chat_grpc.EnsureRoomRes"> & {
  /**
   * The room.
   *
   * @generated from field: chat_grpc.Room room = 1;
   */
  room?: Room | undefined;

  /**
   * Whether it was opened by this call.
   *
   * @generated from field: bool is_new = 2;
   */
  isNew: boolean;

  /**
   * The memberships of the creator and of those whom the request names.
   *
   * @generated from field: repeated chat_grpc.Member members = 3;
   */
  members: Member[];

  /**
   * Users who could not be added.
   *
   * @generated from field: repeated chat_grpc.NotAdded not_added = 4;
   */
  notAdded: NotAdded[];
};

/**
 * Describes the message chat_grpc.EnsureRoomRes.
 * Use `create(EnsureRoomResSchema)` to create a new message.
 */
export const EnsureRoomResSchema: GenMessage<EnsureRoomRes> = /*@__PURE__*/
  messageDesc(file_chat, 43);

/**
 * A user who could not be added.
 *
 * @generated from message chat_grpc.NotAdded
 */
export type NotAdded = Message$1<"chat_grpc.NotAdded"> & {
  /**
   * The user.
   *
   * @generated from field: int64 user_id = 1;
   */
  userId: bigint;

  /**
   * Why: BANNED, ROOM_FULL, or TOO_MANY_ROOMS.
   *
   * @generated from field: string reason = 2;
   */
  reason: string;

  /**
   * Until when, if the user is banned.
   *
   * @generated from field: google.protobuf.Timestamp until = 3;
   */
  until?: Timestamp | undefined;
};

/**
 * Describes the message chat_grpc.NotAdded.
 * Use `create(NotAddedSchema)` to create a new message.
 */
export const NotAddedSchema: GenMessage<NotAdded> = /*@__PURE__*/
  messageDesc(file_chat, 44);

/**
 * What to change of a room.
 *
 * @generated from message chat_grpc.UpdateRoomReq
 */
export type UpdateRoomReq = Message$1<"chat_grpc.UpdateRoomReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * Who changes it: its owner or a moderator.
   *
   * @generated from field: int64 actor_id = 2;
   */
  actorId: bigint;

  /**
   * What people see: at most 200 characters.
   *
   * @generated from field: optional string name = 3;
   */
  name?: string | undefined;

  /**
   * The product's own: at most 8 KiB as JSON, and 32 levels deep.
   *
   * @generated from field: google.protobuf.Struct data = 4;
   */
  data?: JsonObject | undefined;

  /**
   * Until when only the owner, moderators and services send; a time that has passed ends it.
   *
   * @generated from field: google.protobuf.Timestamp frozen_until = 5;
   */
  frozenUntil?: Timestamp | undefined;

  /**
   * How many seconds a member has to wait after a message before sending the next: at most an hour; 0 is no wait.
   *
   * @generated from field: optional int32 slow_mode_seconds = 6;
   */
  slowModeSeconds?: number | undefined;
};

/**
 * Describes the message chat_grpc.UpdateRoomReq.
 * Use `create(UpdateRoomReqSchema)` to create a new message.
 */
export const UpdateRoomReqSchema: GenMessage<UpdateRoomReq> = /*@__PURE__*/
  messageDesc(file_chat, 45);

/**
 * A room to delete.
 *
 * @generated from message chat_grpc.DeleteRoomReq
 */
export type DeleteRoomReq = Message$1<"chat_grpc.DeleteRoomReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * Who deletes it: its owner.
   *
   * @generated from field: int64 actor_id = 2;
   */
  actorId: bigint;
};

/**
 * Describes the message chat_grpc.DeleteRoomReq.
 * Use `create(DeleteRoomReqSchema)` to create a new message.
 */
export const DeleteRoomReqSchema: GenMessage<DeleteRoomReq> = /*@__PURE__*/
  messageDesc(file_chat, 46);

/**
 * Nothing to say.
 *
 * @generated from message chat_grpc.DeleteRoomRes
 */
export type DeleteRoomRes = Message$1<"chat_grpc.DeleteRoomRes"> & {
};

/**
 * Describes the message chat_grpc.DeleteRoomRes.
 * Use `create(DeleteRoomResSchema)` to create a new message.
 */
export const DeleteRoomResSchema: GenMessage<DeleteRoomRes> = /*@__PURE__*/
  messageDesc(file_chat, 47);

/**
 * Which rooms: at most 100, by id, by key, or both.
 *
 * @generated from message chat_grpc.GetRoomsReq
 */
export type GetRoomsReq = Message$1<"chat_grpc.GetRoomsReq"> & {
  /**
   * Rooms by id.
   *
   * @generated from field: repeated int64 room_ids = 1;
   */
  roomIds: bigint[];

  /**
   * Rooms by key.
   *
   * @generated from field: repeated string keys = 2;
   */
  keys: string[];

  /**
   * The caller.
   *
   * @generated from field: int64 user_id = 3;
   */
  userId: bigint;
};

/**
 * Describes the message chat_grpc.GetRoomsReq.
 * Use `create(GetRoomsReqSchema)` to create a new message.
 */
export const GetRoomsReqSchema: GenMessage<GetRoomsReq> = /*@__PURE__*/
  messageDesc(file_chat, 48);

/**
 * Rooms, as the caller sees them.
 *
 * @generated from message chat_grpc.GetRoomsRes
 */
export type GetRoomsRes = Message$1<"chat_grpc.GetRoomsRes"> & {
  /**
   * Each room once, by id. For who reads without a membership, nothing is unread.
   *
   * @generated from field: repeated chat_grpc.RoomSummary rooms = 1;
   */
  rooms: RoomSummary[];

  /**
   * Whether rooms with greater ids are left out, as the texts are long: ask again for those that aren't here.
   *
   * @generated from field: bool has_more = 2;
   */
  hasMore: boolean;
};

/**
 * Describes the message chat_grpc.GetRoomsRes.
 * Use `create(GetRoomsResSchema)` to create a new message.
 */
export const GetRoomsResSchema: GenMessage<GetRoomsRes> = /*@__PURE__*/
  messageDesc(file_chat, 49);

/**
 * Users to let in: at most 100.
 *
 * @generated from message chat_grpc.AddMembersReq
 */
export type AddMembersReq = Message$1<"chat_grpc.AddMembersReq"> & {
  /**
   * The room.
   *
   * @generated from field: int64 room_id = 1;
   */
  roomId: bigint;

  /**
   * Who adds: the owner or a moderator.
   *
   * @generated from field: int64 actor_id = 2;
   */
  actorId: bigint;

  /**
   * Users by id.
   *
   * @generated from field: repeated int64 user_ids = 3;
   */
  userIds: bigint[];

  /**
   * Likewise by key. One that nobody had before gets its id.
   *
   * @generated from field: repeated string user_keys = 4;
   */
  userKeys: string[];
};

/**
 * Describes the message chat_grpc.AddMembersReq.
 * Use `create(AddMembersReqSchema)` to create a new message.
 */
export const AddMembersReqSchema: GenMessage<AddMembersReq> = /*@__PURE__*/
  messageDesc(file_chat, 50);

/**
 * Who is in.
 *
 * @generated from message chat_grpc.AddMembersRes
 */
export type AddMembersRes = Message$1<"chat_grpc.AddMembersRes"> & {
  /**
   * The memberships, also of those who were members before.
   *
   * @generated from field: repeated chat_grpc.Member members = 1;
   */
  members: Member[];

  /**
   * Users who could not be added.
   *
   * @generated from field: repeated chat_grpc.NotAdded not_added = 2;
   */
  notAdded: NotAdded[];
};

/**
 * Describes the message chat_grpc.AddMembersRes.
 * Use `create(AddMembersResSchema)` to create a new message.
 */
export const AddMembersResSchema: GenMessage<AddMembersRes> = /*@__PURE__*/
  messageDesc(file_chat, 51);

/**
 * Who is to be silent.
 *
 * @generated from message chat_grpc.SetMuteReq
 */
export type SetMuteReq = Message$1<"chat_grpc.SetMuteReq"> & {
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
   * Who decides: the owner or a moderator.
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
   * Until when. The member may speak, if this isn't set, or has passed.
   *
   * @generated from field: google.protobuf.Timestamp muted_until = 5;
   */
  mutedUntil?: Timestamp | undefined;
};

/**
 * Describes the message chat_grpc.SetMuteReq.
 * Use `create(SetMuteReqSchema)` to create a new message.
 */
export const SetMuteReqSchema: GenMessage<SetMuteReq> = /*@__PURE__*/
  messageDesc(file_chat, 52);

/**
 * Who is to stay out.
 *
 * @generated from message chat_grpc.SetBanReq
 */
export type SetBanReq = Message$1<"chat_grpc.SetBanReq"> & {
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
   * Who decides: the owner or a moderator.
   *
   * @generated from field: int64 actor_id = 3;
   */
  actorId: bigint;

  /**
   * The user by key, where user_id is 0; by services, also by those that act for a user. One that nobody had before gets its
   * id.
   *
   * @generated from field: string user_key = 4;
   */
  userKey: string;

  /**
   * Until when. The user may be added again, if this isn't set, or has passed.
   *
   * @generated from field: google.protobuf.Timestamp banned_until = 5;
   */
  bannedUntil?: Timestamp | undefined;
};

/**
 * Describes the message chat_grpc.SetBanReq.
 * Use `create(SetBanReqSchema)` to create a new message.
 */
export const SetBanReqSchema: GenMessage<SetBanReq> = /*@__PURE__*/
  messageDesc(file_chat, 53);

/**
 * A reaction.
 *
 * @generated from message chat_grpc.SetReactionReq
 */
export type SetReactionReq = Message$1<"chat_grpc.SetReactionReq"> & {
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
   * The member.
   *
   * @generated from field: int64 user_id = 3;
   */
  userId: bigint;

  /**
   * An emoji, or a short name of the product's own: at most 64 bytes, without U+0000.
   *
   * @generated from field: string emoji = 4;
   */
  emoji: string;

  /**
   * Whether the member is to have it.
   *
   * @generated from field: bool on = 5;
   */
  on: boolean;
};

/**
 * Describes the message chat_grpc.SetReactionReq.
 * Use `create(SetReactionReqSchema)` to create a new message.
 */
export const SetReactionReqSchema: GenMessage<SetReactionReq> = /*@__PURE__*/
  messageDesc(file_chat, 54);

/**
 * A message to pin.
 *
 * @generated from message chat_grpc.SetPinReq
 */
export type SetPinReq = Message$1<"chat_grpc.SetPinReq"> & {
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
   * Who pins: the owner or a moderator.
   *
   * @generated from field: int64 actor_id = 3;
   */
  actorId: bigint;

  /**
   * Whether it is to be pinned.
   *
   * @generated from field: bool on = 4;
   */
  on: boolean;
};

/**
 * Describes the message chat_grpc.SetPinReq.
 * Use `create(SetPinReqSchema)` to create a new message.
 */
export const SetPinReqSchema: GenMessage<SetPinReq> = /*@__PURE__*/
  messageDesc(file_chat, 55);

/**
 * Whose presence.
 *
 * @generated from message chat_grpc.ListPresenceReq
 */
export type ListPresenceReq = Message$1<"chat_grpc.ListPresenceReq"> & {
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
   * Optional: members to tell of.
   *
   * @generated from field: repeated int64 user_ids = 3;
   */
  userIds: bigint[];
};

/**
 * Describes the message chat_grpc.ListPresenceReq.
 * Use `create(ListPresenceReqSchema)` to create a new message.
 */
export const ListPresenceReqSchema: GenMessage<ListPresenceReq> = /*@__PURE__*/
  messageDesc(file_chat, 56);

/**
 * Who is here.
 *
 * @generated from message chat_grpc.ListPresenceRes
 */
export type ListPresenceRes = Message$1<"chat_grpc.ListPresenceRes"> & {
  /**
   * At most 100 members.
   *
   * @generated from field: repeated chat_grpc.UserPresence users = 1;
   */
  users: UserPresence[];

  /**
   * How many are here in all.
   *
   * @generated from field: int32 count = 2;
   */
  count: number;
};

/**
 * Describes the message chat_grpc.ListPresenceRes.
 * Use `create(ListPresenceResSchema)` to create a new message.
 */
export const ListPresenceResSchema: GenMessage<ListPresenceRes> = /*@__PURE__*/
  messageDesc(file_chat, 57);

/**
 * Whether a user is here.
 *
 * @generated from message chat_grpc.UserPresence
 */
export type UserPresence = Message$1<"chat_grpc.UserPresence"> & {
  /**
   * The user.
   *
   * @generated from field: int64 user_id = 1;
   */
  userId: bigint;

  /**
   * Whether the user follows the room, or did within the last three seconds.
   *
   * @generated from field: bool is_here = 2;
   */
  isHere: boolean;

  /**
   * When the user did last; not set for who is here, or never was.
   *
   * @generated from field: google.protobuf.Timestamp last_seen_at = 3;
   */
  lastSeenAt?: Timestamp | undefined;
};

/**
 * Describes the message chat_grpc.UserPresence.
 * Use `create(UserPresenceSchema)` to create a new message.
 */
export const UserPresenceSchema: GenMessage<UserPresence> = /*@__PURE__*/
  messageDesc(file_chat, 58);

/**
 * What to search for.
 *
 * @generated from message chat_grpc.SearchMessagesReq
 */
export type SearchMessagesReq = Message$1<"chat_grpc.SearchMessagesReq"> & {
  /**
   * Words, all of which a message has to have, in any order: 1 to 200 characters, whatever their case and accents.
   *
   * @generated from field: string query = 1;
   */
  query: string;

  /**
   * The caller.
   *
   * @generated from field: int64 user_id = 2;
   */
  userId: bigint;

  /**
   * Optional: the room to search in; all rooms that the caller is a member of, if it is 0.
   *
   * @generated from field: int64 room_id = 3;
   */
  roomId: bigint;

  /**
   * At most 50; 0 means 20.
   *
   * @generated from field: int32 limit = 4;
   */
  limit: number;

  /**
   * Empty for the first page; then the next_page_token of the page before.
   *
   * @generated from field: string page_token = 5;
   */
  pageToken: string;
};

/**
 * Describes the message chat_grpc.SearchMessagesReq.
 * Use `create(SearchMessagesReqSchema)` to create a new message.
 */
export const SearchMessagesReqSchema: GenMessage<SearchMessagesReq> = /*@__PURE__*/
  messageDesc(file_chat, 59);

/**
 * A page of what was found.
 *
 * @generated from message chat_grpc.SearchMessagesRes
 */
export type SearchMessagesRes = Message$1<"chat_grpc.SearchMessagesRes"> & {
  /**
   * The newest first. A page may end earlier than asked for: next_page_token says whether it goes on.
   *
   * @generated from field: repeated chat_grpc.FoundMessage found = 1;
   */
  found: FoundMessage[];

  /**
   * Gets the next page; empty on the last one.
   *
   * @generated from field: string next_page_token = 2;
   */
  nextPageToken: string;
};

/**
 * Describes the message chat_grpc.SearchMessagesRes.
 * Use `create(SearchMessagesResSchema)` to create a new message.
 */
export const SearchMessagesResSchema: GenMessage<SearchMessagesRes> = /*@__PURE__*/
  messageDesc(file_chat, 60);

/**
 * A message that was found.
 *
 * @generated from message chat_grpc.FoundMessage
 */
export type FoundMessage = Message$1<"chat_grpc.FoundMessage"> & {
  /**
   * The message.
   *
   * @generated from field: chat_grpc.Message message = 1;
   */
  message?: Message | undefined;

  /**
   * A piece of its text around the first of the words: one after the other, the pieces are the text.
   *
   * @generated from field: repeated chat_grpc.Excerpt excerpt = 2;
   */
  excerpt: Excerpt[];
};

/**
 * Describes the message chat_grpc.FoundMessage.
 * Use `create(FoundMessageSchema)` to create a new message.
 */
export const FoundMessageSchema: GenMessage<FoundMessage> = /*@__PURE__*/
  messageDesc(file_chat, 61);

/**
 * A piece of a text.
 *
 * @generated from message chat_grpc.Excerpt
 */
export type Excerpt = Message$1<"chat_grpc.Excerpt"> & {
  /**
   * The piece.
   *
   * @generated from field: string text = 1;
   */
  text: string;

  /**
   * Whether it is one of the words that were searched for.
   *
   * @generated from field: bool is_match = 2;
   */
  isMatch: boolean;
};

/**
 * Describes the message chat_grpc.Excerpt.
 * Use `create(ExcerptSchema)` to create a new message.
 */
export const ExcerptSchema: GenMessage<Excerpt> = /*@__PURE__*/
  messageDesc(file_chat, 62);

/**
 * Where to start.
 *
 * @generated from message chat_grpc.StreamAllReq
 */
export type StreamAllReq = Message$1<"chat_grpc.StreamAllReq"> & {
  /**
   * The cursor of the last change that the caller has; empty is the beginning, "now" starts at now.
   *
   * @generated from field: string after = 1;
   */
  after: string;

  /**
   * How often up_to_date comes while nothing happens, in seconds: 1 to 300; 0 means 15.
   *
   * @generated from field: int32 heartbeat_seconds = 2;
   */
  heartbeatSeconds: number;
};

/**
 * Describes the message chat_grpc.StreamAllReq.
 * Use `create(StreamAllReqSchema)` to create a new message.
 */
export const StreamAllReqSchema: GenMessage<StreamAllReq> = /*@__PURE__*/
  messageDesc(file_chat, 63);

/**
 * Something that changed. An event of a kind that a client doesn't know is one it can leave out.
 *
 * @generated from message chat_grpc.StreamAllRes
 */
export type StreamAllRes = Message$1<"chat_grpc.StreamAllRes"> & {
  /**
   * Where to resume once this is dealt with.
   *
   * @generated from field: string cursor = 1;
   */
  cursor: string;

  /**
   * What it was.
   *
   * @generated from oneof chat_grpc.StreamAllRes.event
   */
  event: {
    /**
     * A message, as it is now.
     *
     * @generated from field: chat_grpc.Message message = 2;
     */
    value: Message;
    case: "message";
  } | {
    /**
     * A membership, as it is now: with its role, its read position, its end.
     *
     * @generated from field: chat_grpc.Member member = 3;
     */
    value: Member;
    case: "member";
  } | {
    /**
     * A room's record, as it is now.
     *
     * @generated from field: chat_grpc.Room room = 4;
     */
    value: Room;
    case: "room";
  } | {
    /**
     * A room is deleted.
     *
     * @generated from field: chat_grpc.RoomDeleted room_deleted = 5;
     */
    value: RoomDeleted;
    case: "roomDeleted";
  } | {
    /**
     * Nothing is missing up to here.
     *
     * @generated from field: chat_grpc.UpToDate up_to_date = 6;
     */
    value: UpToDate;
    case: "upToDate";
  } | { case: undefined; value?: undefined };
};

/**
 * Describes the message chat_grpc.StreamAllRes.
 * Use `create(StreamAllResSchema)` to create a new message.
 */
export const StreamAllResSchema: GenMessage<StreamAllRes> = /*@__PURE__*/
  messageDesc(file_chat, 64);

/**
 * Nothing to say.
 *
 * @generated from message chat_grpc.UpToDate
 */
export type UpToDate = Message$1<"chat_grpc.UpToDate"> & {
};

/**
 * Describes the message chat_grpc.UpToDate.
 * Use `create(UpToDateSchema)` to create a new message.
 */
export const UpToDateSchema: GenMessage<UpToDate> = /*@__PURE__*/
  messageDesc(file_chat, 65);

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
   * Also adds members, removes, mutes and bans those without a role, deletes and pins messages, and changes the room.
   *
   * @generated from enum value: ROLE_MODERATOR = 2;
   */
  MODERATOR: 2,

  /**
   * Reads, and sends nothing.
   *
   * @generated from enum value: ROLE_READER = 3;
   */
  READER: 3,
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
 * What a message is.
 *
 * @generated from enum chat_grpc.MessageKind
 */
export const MessageKind = {
  /**
   * Not said: one of a user.
   *
   * @generated from enum value: MESSAGE_KIND_UNSPECIFIED = 0;
   */
  UNSPECIFIED: 0,

  /**
   * What a user says.
   *
   * @generated from enum value: MESSAGE_KIND_USER = 1;
   */
  USER: 1,

  /**
   * What the product says, such as that an order was shipped.
   *
   * @generated from enum value: MESSAGE_KIND_SYSTEM = 2;
   */
  SYSTEM: 2,
} as const;

/**
 * What a message is.
 *
 * @generated from enum chat_grpc.MessageKind
 */
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind] | UnknownEnum;

/**
 * Describes the enum chat_grpc.MessageKind.
 */
export const MessageKindSchema: GenEnum<MessageKind> = /*@__PURE__*/
  enumDesc(file_chat, 1);

/**
 * Rooms, their members, and their logs of messages.
 *
 * @generated from service chat_grpc.ChatService
 */
export const ChatService: GenService<{
  /**
   * Opens the one room of a post. The creator becomes its first member in the same transaction. By services, and by users
   * where ROOM_CREATION=users, who may learn by it which posts have rooms.
   * ALREADY_EXISTS: the post has a room; for who may read it, the reason of google.rpc.ErrorInfo is ROOM_EXISTS, and its
   * metadata has `room_id`. RESOURCE_EXHAUSTED: the creator has as many rooms as a user may.
   *
   * @generated from rpc chat_grpc.ChatService.CreateChatRoom
   */
  createChatRoom: {
    methodKind: "unary";
    input: typeof CreateRoomReqSchema;
    output: typeof RoomSchema;
  },
  /**
   * Opens the room of a key or a post, unless it is there, and lets users into it: as often as one likes, with one and the
   * same outcome. By services, and by users where ROOM_CREATION=users. The name and the data are those of a new room; one
   * that is there keeps its own. Users who are members already stay as they are; those who can't be added are told.
   * NOT_FOUND: the room is there, and the caller, a user, is not a member. PERMISSION_DENIED: the room is there, and the caller,
   * neither its owner nor a moderator, names somebody who isn't in it.
   * RESOURCE_EXHAUSTED: the creator has as many rooms as a user may.
   *
   * @generated from rpc chat_grpc.ChatService.EnsureRoom
   */
  ensureRoom: {
    methodKind: "unary";
    input: typeof EnsureRoomReqSchema;
    output: typeof EnsureRoomResSchema;
  },
  /**
   * Changes a room's name, its data, until when it is frozen, or its slow mode; what isn't set stays. Readers of events are
   * told by room_updated. By the room's owner, its moderators, and services.
   * NOT_FOUND: not a member. PERMISSION_DENIED: neither owner nor moderator.
   *
   * @generated from rpc chat_grpc.ChatService.UpdateRoom
   */
  updateRoom: {
    methodKind: "unary";
    input: typeof UpdateRoomReqSchema;
    output: typeof RoomSchema;
  },
  /**
   * Deletes a room with all that is in it. Streams are told by room_deleted, and deliver nothing of it any more; one of
   * StreamMessage ends. Its key is free again. When it returns, the texts are gone from the database; of the members,
   * only who they were is kept, so that those who were away learn that the room is gone. By the room's owner, and services.
   * Deleting again is no change; it finishes what was cut short.
   * NOT_FOUND: not a member. PERMISSION_DENIED: not the owner.
   *
   * @generated from rpc chat_grpc.ChatService.DeleteRoom
   */
  deleteRoom: {
    methodKind: "unary";
    input: typeof DeleteRoomReqSchema;
    output: typeof DeleteRoomResSchema;
  },
  /**
   * Rooms by id, by key, or both, each with what a list of conversations shows of it, for a page of posts. Rooms that
   * don't exist, or that the caller may not read, are left out. Long texts end the answer earlier: has_more says so.
   * INVALID_ARGUMENT: more than 100 rooms.
   *
   * @generated from rpc chat_grpc.ChatService.GetRooms
   */
  getRooms: {
    methodKind: "unary";
    input: typeof GetRoomsReqSchema;
    output: typeof GetRoomsResSchema;
  },
  /**
   * Lets up to 100 users into a room, as AddMember does one. Users who are members already stay as they are, and those who
   * can't be added are told, without hindering the others.
   * NOT_FOUND: no such room, or the actor is not a member. PERMISSION_DENIED: the actor is neither owner nor moderator.
   *
   * @generated from rpc chat_grpc.ChatService.AddMembers
   */
  addMembers: {
    methodKind: "unary";
    input: typeof AddMembersReqSchema;
    output: typeof AddMembersResSchema;
  },
  /**
   * Lets a user read the room, from its beginning, and send to it. By services, and where ROOM_CREATION=users by the room's
   * owner and moderators.
   * NOT_FOUND: no such room, or the actor is not a member. ALREADY_EXISTS: the user is a member.
   * PERMISSION_DENIED: the actor is neither owner nor moderator; or the user is banned: the reason of google.rpc.ErrorInfo
   * is BANNED, and its metadata has `until`.
   * RESOURCE_EXHAUSTED: the room is full, or the user has too many rooms.
   *
   * @generated from rpc chat_grpc.ChatService.AddMember
   */
  addMember: {
    methodKind: "unary";
    input: typeof AddMemberReqSchema;
    output: typeof MemberSchema;
  },
  /**
   * Appends a message to the room's log. When it returns, the message is durable. A reply changes the message that its
   * thread began with, too: that one counts it, and takes a seq after it.
   * NOT_FOUND: no such room, or the sender is not a member; or no message to reply to.
   * ALREADY_EXISTS: client_message_id belongs to a message of this sender in this room with another body or other data.
   * PERMISSION_DENIED: the sender is a reader, muted, or the room is frozen; the reason of google.rpc.ErrorInfo is READER,
   * MUTED or FROZEN, and its metadata has `until`.
   * RESOURCE_EXHAUSTED: the room is slow; the reason is SLOW_MODE, with `until` and RetryInfo.
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
   * NOT_FOUND: the caller may not read one of the rooms, or it doesn't exist; the reason of google.rpc.ErrorInfo is NO_ROOM,
   * and its metadata has those rooms as `room_ids`.
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
   * A room, by its id, its key, or its post's id. For members, views and services, as are the lists of its messages and members.
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
   * user's streams deliver nothing of the room, and say so. Being added again starts afresh, but ends no mute.
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
   * Gives a member another role in the room. Readers of events are told by member_added.
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
   * Keeps a member from sending, editing and reacting until a time, or lets the member speak again. Readers of events are
   * told by member_added. By the room's owner and services, and by moderators for those without a role.
   * NOT_FOUND: the actor or the user is not a member. PERMISSION_DENIED: it is not up to the actor.
   * FAILED_PRECONDITION: the user is the owner.
   *
   * @generated from rpc chat_grpc.ChatService.SetMute
   */
  setMute: {
    methodKind: "unary";
    input: typeof SetMuteReqSchema;
    output: typeof MemberSchema;
  },
  /**
   * Bans a user, also one who isn't a member, from a room until a time, or lifts that. A membership ends with it, and the
   * user can't be added until then. Readers of events are told by member_removed. Who is banned is listed by ListMembers.
   * By the room's owner and services, and by moderators for those without a role.
   * NOT_FOUND: the actor is not a member. PERMISSION_DENIED: it is not up to the actor.
   * FAILED_PRECONDITION: the user is the owner.
   *
   * @generated from rpc chat_grpc.ChatService.SetBan
   */
  setBan: {
    methodKind: "unary";
    input: typeof SetBanReqSchema;
    output: typeof MemberSchema;
  },
  /**
   * Changes a message's text. That is a change of the room's log: the message takes the next seq and travels as a send
   * does. Its id, creation time and place in history stay. The text and the data it has already are no change. A system
   * message is edited by services that act for nobody.
   * NOT_FOUND: not a member, or no such message. PERMISSION_DENIED: not the author, or the author may not send, as
   * SendMessage says it. FAILED_PRECONDITION: it is deleted.
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
   * Adds a member's reaction to a message, or takes it back. The message takes the next seq and travels as an edit does.
   * A reaction that is there already, or isn't, is no change.
   * NOT_FOUND: not a member, or no such message. PERMISSION_DENIED: the member may not send. FAILED_PRECONDITION: the
   * message is deleted, or has 20 different reactions.
   *
   * @generated from rpc chat_grpc.ChatService.SetReaction
   */
  setReaction: {
    methodKind: "unary";
    input: typeof SetReactionReqSchema;
    output: typeof MessageSchema;
  },
  /**
   * Pins a message in its room, or takes that back. The message takes the next seq and travels as an edit does. By the
   * room's owner, its moderators, and services. ListMessages lists what is pinned.
   * NOT_FOUND: not a member, or no such message. PERMISSION_DENIED: neither owner nor moderator.
   * FAILED_PRECONDITION: the message is deleted. RESOURCE_EXHAUSTED: 50 messages of the room are pinned.
   *
   * @generated from rpc chat_grpc.ChatService.SetPin
   */
  setPin: {
    methodKind: "unary";
    input: typeof SetPinReqSchema;
    output: typeof MessageSchema;
  },
  /**
   * Moves a member's read position forward to a message; back only if that is asked for, to mark as unread. Readers of
   * events hear of it: in rooms of at most 100 members all of them, in larger ones the member's own; at most once a second
   * in a room. Readers on another server hear of it with the room's next change, in larger rooms when they open a stream
   * again.
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
   * Shows the members for a few seconds that one of them is typing, or has stopped; the member's own streams are told as well.
   * Nothing is stored.
   * Once a second is enough: what comes more often is not passed on, nor is it told on other servers.
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
   * NOT_FOUND: the caller may not read one of the rooms, or it doesn't exist; the reason of google.rpc.ErrorInfo is NO_ROOM,
   * and its metadata has those rooms as `room_ids`.
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
   * Who is here, and when others were here last: up to 100 members, those that are asked for or, if none are, of those who
   * are here the first to have come; and how many are here in all. Here is who follows the room with StreamEvents, or
   * did within the last three seconds.
   * NOT_FOUND: no such room, or the caller may not read it.
   *
   * @generated from rpc chat_grpc.ChatService.ListPresence
   */
  listPresence: {
    methodKind: "unary";
    input: typeof ListPresenceReqSchema;
    output: typeof ListPresenceResSchema;
  },
  /**
   * Messages with all the words of a query, in any script, the newest first: of one room, or of all rooms of the caller.
   * What was sent or edited is found within seconds; what was deleted is not found any more.
   * NOT_FOUND: no such room, or the caller may not read it. INVALID_ARGUMENT: the query has no words, or page_token is not
   * of such a search.
   *
   * @generated from rpc chat_grpc.ChatService.SearchMessages
   */
  searchMessages: {
    methodKind: "unary";
    input: typeof SearchMessagesReqSchema;
    output: typeof SearchMessagesResSchema;
  },
  /**
   * Follows everything: each change of each room, its record, its messages, its members and their read positions, from a
   * cursor on. Each room's changes come in their order, none missing, each message and member in its latest state; from
   * the cursor of any of them the stream can be resumed, for ever. By services only.
   * OUT_OF_RANGE: the cursor is of another epoch, so the log is not the one that it was: start anew.
   *
   * @generated from rpc chat_grpc.ChatService.StreamAll
   */
  streamAll: {
    methodKind: "server_streaming";
    input: typeof StreamAllReqSchema;
    output: typeof StreamAllResSchema;
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
   * Ends all tokens of a user that were issued before a time: within 2 seconds they are refused, and streams that were
   * opened with them end. By services only.
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

