import { toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { DecodedNews } from "../../src/workers/decoded-news.ts";
import { testNews } from "../support/memory-log.ts";

const room = 11n;
const frameOf = (news: News) => toBinary(NewsSchema, news);

test("a frame that arrives once for each stream is the same news for all of them", () => {
  const decoded = new DecodedNews();
  const news = decoded.of(room, frameOf(testNews(room, 1)));
  expect(news).toEqual(testNews(room, 1));
  expect(decoded.of(22n, frameOf(testNews(22n, 1)))).toEqual(testNews(22n, 1));
  expect(decoded.of(room, frameOf(testNews(room, 1)))).toBe(news);
});

test("whatever else a room tells is other news, also if it is as long", () => {
  const decoded = new DecodedNews();
  for (const seq of [1, 2, 1]) expect(decoded.of(room, frameOf(testNews(room, seq)))).toEqual(testNews(room, seq));
});

test("[P7] neither long news are remembered, nor those of rooms beyond a number", () => {
  const decoded = new DecodedNews();
  const long = frameOf(testNews(room, 1, 1_000));
  expect(decoded.of(room, long)).not.toBe(decoded.of(room, long));
  const frame = frameOf(testNews(room, 1));
  const news = decoded.of(room, frame);
  for (let other = 100n; other < 163n; other++) decoded.of(other, frameOf(testNews(other, 1)));
  expect(decoded.of(room, frame)).toBe(news);
  for (let other = 100n; other < 164n; other++) decoded.of(other, frameOf(testNews(other, 2)));
  expect(decoded.of(room, frame)).not.toBe(news);
});
