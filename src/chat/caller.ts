/** Who makes a call. */
export interface Caller {
  /** `trusted`: a backend that is believed whichever user it says it acts for. */
  readonly kind: "trusted";
}
