/** The bytes of all that is long in a message. SQLite knows them without reading it. */
export const MESSAGE_BYTES = `(octet_length(body) + coalesce(octet_length(data), 0)
    + coalesce(octet_length(mentions), 0) + coalesce(octet_length(reactions), 0))`;

/** Likewise of messages: a running total, as a window. */
export const TEXT_BYTES = `sum(${MESSAGE_BYTES})`;
