/** A word of a text, where it stands in it, and how it is compared: whatever its case, accents and forms of letters. */
export interface Word {
  readonly folded: string;
  readonly start: number;
  readonly end: number;
}

/** Letters and digits, with what is set above or below them. */
const FOLDED = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;

/** Letters and digits, with what is set above or below them, or joins them. */
const RUN = /[\p{L}\p{N}][\p{L}\p{N}\p{M}\u200c\u200d]*/gu;

/** Scripts that are written without spaces. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/**
 * What letters may have or lack: accents, the points of Hebrew and the vowels of Arabic, variants, joiners. The signs of
 * Indian scripts are none of it, which make other words.
 */
const OPTIONAL = /[\p{Script=Inherited}--[\u3099\u309a]]|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u0610-\u061a\u0640]/gv;

const NOT_ASCII = /[^\0-\x7f]/;

const segmenter = new Intl.Segmenter("und", { granularity: "word" });

/** The words of a text, in their order. */
export function* wordsOf(text: string): Generator<Word> {
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (!UNSPACED.test(run)) {
      yield* foldedIn(run, index);
      continue;
    }
    for (const { segment, index: offset } of segmenter.segment(run)) {
      yield* foldedIn(segment, index + offset);
    }
  }
}

/** A word, or several: some letters stand for more than one. */
function* foldedIn(word: string, start: number): Generator<Word> {
  const end = start + word.length;
  for (const [folded] of fold(word).matchAll(FOLDED)) yield { folded, start, end };
}

/** The different words of a text, as they are compared. */
export function foldedWords(text: string): Set<string> {
  const words = new Set<string>();
  for (const { folded } of wordsOf(text)) words.add(folded);
  return words;
}

/** To upper case and back, since some letters differ in one of them only. */
function fold(word: string): string {
  if (!NOT_ASCII.test(word)) return word.toLowerCase();
  const bare = word.normalize("NFKD").replace(OPTIONAL, "");
  return bare.toUpperCase().toLowerCase().replaceAll("ς", "σ").normalize("NFC");
}
