/** The bytes of the texts of messages: a running total, as a window. SQLite knows them without reading the texts. */
export const TEXT_BYTES = "sum(octet_length(body))";
