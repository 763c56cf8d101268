import process from "node:process";
import { create } from "@bufbuild/protobuf";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import { parseConfig } from "../../src/http/config.ts";
import { configureLogging } from "../../src/http/logging.ts";
import { serve } from "../../src/node/compose.ts";
import { messageOf } from "../bytes.ts";
import { collectGarbage, serveParent, usage } from "../child.ts";
import { countRequests } from "../counted-database.ts";
import { pace } from "../pace.ts";

// The server as src/node/main.ts runs it, with a hand on its broadcaster and an eye on its database.

const config = parseConfig(process.env);
configureLogging(config.logLevel);
const databaseRequests = await countRequests(config.databaseUrl);
const running = await serve(config);
const heads = new Map<bigint, bigint>();

const methods = {
  url: () => running.url,

  http2Url: () => running.url,

  databaseUrl: () => config.databaseUrl,

  /** Since the process started. */
  databaseRequests: () => databaseRequests(),

  /**
   * Publishes messages as if they had been committed, `burst` at a time to one room after another: what it costs to
   * hand them out, and nothing else. Answers with the usage before the first.
   */
  async publish({
    rooms,
    burst,
    perSecond,
    count,
  }: {
    rooms: bigint[];
    burst: number;
    perSecond: number;
    count: number;
  }) {
    const batches = Array.from({ length: count }, (_, i) => {
      const room = rooms[i % rooms.length]!;
      const head = heads.get(room) ?? 0n;
      heads.set(room, head + BigInt(burst));
      const news = create(NewsSchema, { roomId: room, memberSeq: 1n });
      news.messages.push(...Array.from({ length: burst }, (_, n) => messageOf(room, head + BigInt(n) + 1n)));
      return news;
    });
    const before = usage();
    await pace(perSecond, count, (i) => running.broadcaster.publish(batches[i]!));
    return before;
  },

  collectGarbage,
};
export type Roomlog = typeof methods;

serveParent(methods);
