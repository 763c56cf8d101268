/** Characters of a user's key. */
export const MAX_KEY_CHARACTERS = 128;

/** Whether a text can be a user's key; the contract says the same of its fields. */
export function isUserKey(text: string): boolean {
  return text !== "" && isText(text, MAX_KEY_CHARACTERS);
}

/** Whether a text has so many characters at most, and none that a database can't keep. */
export function isText(text: string, maxCharacters: number): boolean {
  return [...text].length <= maxCharacters && text.isWellFormed() && !text.includes("\0");
}
