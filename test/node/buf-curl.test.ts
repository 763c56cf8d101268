import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import type { Running } from "../../src/node/compose.ts";
import { freshId } from "../support/fresh-id.ts";
import { startNodeService } from "../support/node-service.ts";

let service: Running;
beforeAll(async () => void (service = await startNodeService()));
afterAll(() => service?.[Symbol.asyncDispose]());

const buf = join(import.meta.dirname, "../../node_modules/.bin/buf");
const env = { PATH: process.env.PATH };

/** Runs `buf curl` without a schema: it asks the server for one. */
function curl(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(buf, ["curl", ...args], { env });
}

async function call(protocol: string, method: string, request: unknown): Promise<Record<string, unknown>> {
  const url = `${service.url}/chat_grpc.ChatService/${method}`;
  return JSON.parse((await curl("--protocol", protocol, "-d", JSON.stringify(request), url)).stdout);
}

describe.each(["connect", "grpc", "grpcweb"])("buf curl over %s", (protocol) => {
  test("opens a room and sends", async () => {
    const owner = `${freshId()}`;
    const room = await call(protocol, "CreateChatRoom", { post_id: `${freshId()}`, user_id: owner });
    const message = await call(protocol, "SendMessage", { room_id: room.id, user_id: owner, body: "hello" });
    expect(message).toMatchObject({ roomId: room.id, userId: owner, body: "hello", seq: "1" });
  });

  test("is told what is wrong", async () => {
    const refused = await call(protocol, "SendMessage", { room_id: 1, user_id: 1 }).catch((e) => e);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("body"),
    });
  });
});

describe("buf curl without a schema", () => {
  const services = [
    "chat_grpc.ChatService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
  ];

  test.each(["grpc-v1", "grpc-v1alpha"])("lists the services over %s", async (version) => {
    const { stdout } = await curl("--reflect-protocol", version, "--list-services", service.url);
    expect(stdout.trim().split("\n").sort()).toEqual(services);
  });

  test("follows a stream", async () => {
    const owner = `${freshId()}`;
    const room = await call("connect", "CreateChatRoom", { post_id: `${freshId()}`, user_id: owner });
    for (const body of ["a", "b"]) await call("connect", "SendMessage", { room_id: room.id, user_id: owner, body });
    const request = JSON.stringify({ room_ids: [room.id], user_id: owner, after_seq: { [room.id as string]: 0 } });
    const child = spawn(buf, ["curl", "-d", request, `${service.url}/chat_grpc.ChatService/StreamMessage`], {
      env,
      detached: true,
    });
    let received = "";
    for await (const chunk of child.stdout) {
      received += chunk;
      if (received.includes('"body": "b"')) break;
    }
    process.kill(-child.pid!); // the npm package starts buf as a child
    expect([...received.matchAll(/"body": "(.)"/g)].map(([, body]) => body)).toEqual(["a", "b"]);
  });
});

describe.each([
  ["v1", ServerReflection],
  ["v1alpha", ServerReflectionV1Alpha],
] as const)("reflection %s", (_, reflection) => {
  /** Asks everything in one call, and takes the answers in the order of the questions. */
  async function ask(...messageRequests: { case: string; value: unknown }[]) {
    const client = createClient(reflection as typeof ServerReflection, createGrpcTransport({ baseUrl: service.url }));
    const requests = (async function* () {
      for (const messageRequest of messageRequests) yield { host: "here", messageRequest } as never;
    })();
    return (await Array.fromAsync(client.serverReflectionInfo(requests))).map((answer) => answer.messageResponse);
  }

  const names = (files: Uint8Array[]) => files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);

  test("tells the file of a name and of what is in it", async () => {
    const chat = "chat_grpc.ChatService";
    const symbols = [
      chat,
      `${chat}.SendMessage`,
      "chat_grpc.Message",
      "chat_grpc.Message.seq",
      "chat_grpc.StreamMessageReq.AfterSeqEntry",
    ];
    for (const answer of await ask(
      { case: "fileByFilename", value: "chat.proto" },
      ...symbols.map((value) => ({ case: "fileContainingSymbol", value })),
    )) {
      expect(answer.case).toBe("fileDescriptorResponse");
      expect(names((answer.value as { fileDescriptorProto: Uint8Array[] }).fileDescriptorProto)).toEqual([
        "chat.proto",
      ]);
    }
  });

  test("tells about extensions", async () => {
    const [file, numbers] = await ask(
      {
        case: "fileContainingExtension",
        value: { containingType: "google.protobuf.FieldOptions", extensionNumber: 1159 },
      },
      { case: "allExtensionNumbersOfType", value: "google.protobuf.FieldOptions" },
    );
    expect(names((file!.value as { fileDescriptorProto: Uint8Array[] }).fileDescriptorProto)).toEqual([
      "buf/validate/validate.proto",
    ]);
    expect(numbers!.value).toMatchObject({
      baseTypeName: "google.protobuf.FieldOptions",
      extensionNumber: expect.arrayContaining([1159]),
    });
  });

  test("answers what it doesn't know with an error, and goes on", async () => {
    const answers = await ask(
      { case: "fileByFilename", value: "nothing.proto" },
      { case: "fileContainingSymbol", value: "chat_grpc.Nothing" },
      { case: "fileContainingSymbol", value: "" },
      { case: "allExtensionNumbersOfType", value: "chat_grpc.Nothing" },
      { case: "fileContainingExtension", value: { containingType: "chat_grpc.Message", extensionNumber: 1 } },
      { case: "listServices", value: "" },
    );
    for (const answer of answers.slice(0, -1))
      expect(answer).toMatchObject({ case: "errorResponse", value: { errorCode: 5 } });
    expect(answers.at(-1)!.case).toBe("listServicesResponse");
  });
});
