const INT64 = 2n ** 63n - 1n;
const DOUBLE = 2n ** 53n - 1n;

/** The greatest id that is kept where the tests run: in workerd they run on a Durable Object's own SQLite. */
export const GREATEST_ID = navigator.userAgent === "Cloudflare-Workers" ? DOUBLE : INT64;

/** Where ids begin that are as great as can be, and many of them: such as a double can't tell apart, where they are kept. */
export const GREAT_ID = GREATEST_ID === INT64 ? DOUBLE + 1n : 2n ** 52n;
