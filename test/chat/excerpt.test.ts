import fc from "fast-check";
import { expect, test } from "vitest";
import { excerptOf } from "../../src/chat/excerpt.ts";
import { foldedWords, wordsOf } from "../../src/chat/words.ts";

const shown = (text: string, query: string) => {
  return excerptOf(text, foldedWords(query))
    ?.map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
    .join("");
};

test("an excerpt is the text around the first match, from word to word", () => {
  expect(shown("Hello, world!", "WORLD")).toBe("Hello, [world]!");
  expect(shown("a b a c", "c a")).toBe("[a] b [a] [c]");
  const filler = "lorem ipsum ".repeat(30);
  const long = shown(`${filler}needle ${filler}`, "needle")!;
  expect(long).toMatch(/^(lorem|ipsum) .*\[needle\] .*(lorem|ipsum)$/);
  expect(long.replaceAll(/[[\]]/g, "").length).toBeLessThanOrEqual(200);
});

test("there is none of a text that lacks a word, or has it only as a part of others", () => {
  expect(shown("Hello, world!", "hello mars")).toBeUndefined();
  expect(shown("Hello, worlds!", "world")).toBeUndefined();
});

test("a word that alone is too long is cut, but no character is", () => {
  expect(shown("x".repeat(500), "x".repeat(500))).toBe(`[${"x".repeat(200)}]`);
  const pairs = `x${"𝒳".repeat(300)}`;
  const cut = shown(pairs, pairs)!;
  expect(cut.isWellFormed()).toBe(true);
  expect(cut.length).toBe(2 + 199);
});

test("words fold to themselves, stand where they say, and their excerpt is a piece of the text", () => {
  const text = fc.string({ unit: fc.constantFrom(..."aÄß İıςΣの北京ทยक्षي🦊é\u0301\u200d-'\ue000𝒳1") });
  fc.assert(
    fc.property(text, (text) => {
      let last = 0;
      for (const { folded, start, end } of wordsOf(text)) {
        expect(start).toBeGreaterThanOrEqual(last);
        expect(end).toBeGreaterThan(start);
        expect(folded).not.toMatch(/[\0-/:-`{-\x7f\ue000]/);
        last = end;
      }
      const words = foldedWords(text);
      if (words.size === 0) return;
      const excerpt = excerptOf(text, words)!;
      expect(text).toContain(excerpt.map((piece) => piece.text).join(""));
      for (const word of words) if (!/[^\0-\x7f]/.test(word)) expect([...foldedWords(word)]).toEqual([word]);
    }),
    { numRuns: 500 },
  );
});

test("every letter and digit folds to words of letters and digits alone, also those that stand for several", () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const letter = code >= 0xd800 && code <= 0xdfff ? "" : String.fromCodePoint(code);
    if (!/[\p{L}\p{N}]/u.test(letter)) continue;
    for (const word of foldedWords(letter))
      expect(word, code.toString(16)).toMatch(/^[\p{L}\p{N}][\p{L}\p{N}\p{M}]*$/u);
  }
  expect([...foldedWords("ﷺ")]).toHaveLength(4);
  expect(excerptOf("a ﷺ b", foldedWords("ﷺ"))).toMatchObject([
    { text: "a ", isMatch: false },
    { text: "ﷺ", isMatch: true },
    { text: " b", isMatch: false },
  ]);
});
