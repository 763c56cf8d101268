import { cors } from "@connectrpc/connect";

/** What is known of a request before it goes anywhere. */
export interface Arrival {
  readonly method: string;
  /** The name it was sent to, with a port if any. */
  readonly host: string | undefined;
  /** The origin of the page it comes from; none, if it doesn't come from a page. */
  readonly origin: string | undefined;
}

/** A request that ends at the door. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that comes in; the headers let the page read the answer. */
export interface Admission {
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Decides for every request, before anything else happens, whether the page it comes from may call. Pages of the
 * server's own origin may, and those of the origins listed. A server on a loopback address takes loopback names only,
 * or any page could have a name of its own point there and would be of the same origin (DNS rebinding).
 */
export class Door {
  readonly #origins: ReadonlySet<string>;
  readonly #isOpen: boolean;
  readonly #isLoopback: boolean;
  readonly #hosts: ReadonlySet<string>;

  constructor({ corsOrigins, isLoopback }: { corsOrigins: readonly string[]; isLoopback: boolean }) {
    this.#origins = new Set(corsOrigins);
    this.#isOpen = this.#origins.has("*");
    this.#isLoopback = isLoopback;
    this.#hosts = new Set(corsOrigins.filter((origin) => URL.canParse(origin)).map((origin) => new URL(origin).host));
  }

  admit({ method, host, origin }: Arrival): Admission | Refusal {
    if (this.#isLoopback && !this.#isOpen && host !== undefined && !isLoopbackName(host) && !this.#hosts.has(host)) {
      const way = "call it as localhost, or list the origin of the proxy in front of it in CORS_ORIGINS";
      return refusal(421, `this server is for this machine alone, and ${host} is not its name; ${way}`);
    }
    if (origin === undefined) return OUTSIDE_PAGES;
    const isListed = this.#isOpen || this.#origins.has(origin);
    if (!isListed && !isOwn(origin, host)) {
      return refusal(403, `pages of ${origin} may not call; list it in CORS_ORIGINS`);
    }
    const headers = isListed ? { ...ANSWER_HEADERS, "access-control-allow-origin": origin } : VARY;
    return method === "OPTIONS"
      ? { status: 204, headers: { ...PREFLIGHT_HEADERS, ...headers }, body: "" }
      : { headers };
  }
}

export function isRefusal(admission: Admission | Refusal): admission is Refusal {
  return "status" in admission;
}

const VARY = { vary: "Origin" };
const OUTSIDE_PAGES: Admission = { headers: {} };

const ANSWER_HEADERS = {
  ...VARY,
  "access-control-expose-headers": [...cors.exposedHeaders, "X-Request-Id"].join(", "),
};

const PREFLIGHT_HEADERS = {
  "access-control-allow-methods": cors.allowedMethods.join(", "),
  "access-control-allow-headers": [...cors.allowedHeaders, "Authorization", "X-Request-Id"].join(", "),
  "access-control-max-age": `${2 * 60 * 60}`,
};

function refusal(status: number, message: string): Refusal {
  const body = JSON.stringify({ code: "permission_denied", message });
  return { status, headers: { "content-type": "application/json", ...VARY }, body };
}

/** Whatever is in front of the server may have added TLS, so the scheme says nothing. */
function isOwn(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** A name, or a HOST to listen on, that only this machine has. */
export function isLoopbackName(host: string): boolean {
  const name = host.replace(/^(\[.*\]|[^:]*):\d+$/, "$1").toLowerCase();
  return name === "localhost" || name === "[::1]" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}
