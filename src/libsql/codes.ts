export function isBusy(code: string): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(code);
}

/**
 * Whether the statement is at fault, so that nothing was committed; SQL_… and ARGS_… are sqld's words for it. Any other
 * answer blames a lock, the disk or the network, and leaves open what was committed.
 */
export function isRefusal(code: string): boolean {
  return /^(SQL_|ARGS_|SQLITE_(?!BUSY|LOCKED|NOMEM|READONLY|INTERRUPT|IOERR|FULL|CANTOPEN|PROTOCOL))/.test(code);
}
