/** The bytes of all that is long in a message. SQLite knows them without reading it. */
export const MESSAGE_BYTES = bytesOf("messages.body", "messages.data", "messages.mentions", "messages.reactions");

/** Likewise of a room's record. */
export const RECORD_BYTES = bytesOf("room_records.name", "room_records.data");

/** Likewise of a room in a list: its record, and its last message. */
export const SUMMARY_BYTES = `(${RECORD_BYTES} + ${MESSAGE_BYTES})`;

function bytesOf(...columns: string[]): string {
  return `(${columns.map((column) => `coalesce(octet_length(${column}), 0)`).join(" + ")})`;
}
