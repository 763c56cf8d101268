/** A URL as logs and errors may have it: without a query, and if it may name a user, without all that follows the scheme. */
export function shownUrl(url: string): string {
  return url.includes("@") ? url.replace(/:.*/s, ":…") : url.replace(/[?#].*/s, "");
}
