import { create } from "@bufbuild/protobuf";
import { type Excerpt, ExcerptSchema } from "../../gen/chat_pb.ts";
import { type Word, wordsOf } from "./words.ts";

/** Characters of an excerpt, and those among them before the first match. */
const CHARACTERS = 200;
const BEFORE = 60;

/**
 * A piece of a text around the first of the words, as pieces that are and aren't one of them; nothing, if the text doesn't
 * have all of them.
 */
export function excerptOf(text: string, asked: ReadonlySet<string>): Excerpt[] | undefined {
  const words = [...wordsOf(text)];
  const matches = words.filter(({ folded }) => asked.has(folded));
  if (new Set(matches.map(({ folded }) => folded)).size < asked.size) return undefined;
  const first = matches[0]!;
  const start = startOf(words, first);
  const end = endOf(text, words, first, start);
  const pieces: Excerpt[] = [];
  const add = (from: number, to: number, isMatch: boolean) => {
    if (from < to) pieces.push(create(ExcerptSchema, { text: text.slice(from, to), isMatch }));
  };
  let at = start;
  for (const match of matches) {
    if (match.start >= end) break;
    if (match.start < at) continue; // one that is told already
    add(at, match.start, false);
    at = Math.min(match.end, end);
    add(match.start, at, true);
  }
  add(at, end, false);
  return pieces;
}

function startOf(words: readonly Word[], first: Word): number {
  if (first.start <= BEFORE) return 0;
  return words.find(({ start }) => start >= first.start - BEFORE)!.start;
}

/** Behind the last word that fits; a word that alone is too long is cut. */
function endOf(text: string, words: readonly Word[], first: Word, start: number): number {
  const most = start + CHARACTERS;
  if (text.length <= most) return text.length;
  const last = words.findLast(({ end }) => end <= most);
  if (last && last.end >= first.end) return last.end;
  const isInPair = /[\udc00-\udfff]/.test(text[most]!);
  return isInPair ? most - 1 : most;
}
