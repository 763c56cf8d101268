/** A send, as JSON has it. */
export interface Send {
  readonly roomId: string;
  readonly userId: string;
  readonly body: string;
  readonly clientMessageId?: string;
}

const lastSeqs = new Map<string, number>();

/** The message that a server makes of a send when it checks nothing and keeps nothing but each room's last number. */
export function accept({ roomId, userId, body, clientMessageId }: Send) {
  const number = (lastSeqs.get(roomId) ?? 0) + 1;
  lastSeqs.set(roomId, number);
  const now = new Date().toISOString();
  const seq = String(number);
  return { id: seq, body, roomId, userId, createdAt: now, updatedAt: now, seq, clientMessageId };
}
