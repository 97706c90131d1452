/** What is asked of a request's URL. A `URL` is one; most requests need no parser to have it. */
export type RequestUrl = Pick<URL, 'origin' | 'host' | 'pathname' | 'search' | 'searchParams'>;

/**
 * Takes the URL of a request apart as the URL parser does. One that the parser would leave as it is (a path without dot
 * segments and escapes, a query of harmless characters: nearly all) is only cut. Throws a TypeError as `new URL` does.
 */
export function requestUrl(text: string): RequestUrl {
  // Several steps of a request ask for the same one.
  if (last?.text !== text) {
    const parts = plain.exec(text);
    const site = parts === null ? null : siteOf(parts[1]!);
    last = { text, url: site === null ? new URL(text) : new PlainUrl(site, parts![2]!, parts![3] ?? '') };
  }
  return last.url;
}

let last: { text: string; url: RequestUrl } | undefined;

/** Origin, path and query of a URL in which the parser finds nothing to change behind the origin. */
const plain =
  /^(https?:\/\/[A-Za-z0-9.:[\]-]+)((?:\/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)+\/?|\/)(\?[A-Za-z0-9._~!$&()*+,;=:@/?%-]*)?$/;

interface Site {
  origin: string;
  host: string;
}

/** What the parser makes of the beginnings of URLs; the same few come again and again. */
const sites = new Map<string, Site | null>();

function siteOf(beginning: string): Site | null {
  let site = sites.get(beginning);
  if (site === undefined) {
    const url = URL.parse(beginning);
    site = url === null ? null : { origin: url.origin, host: url.host };
    if (sites.size >= 200) {
      sites.clear();
    }
    sites.set(beginning, site);
  }
  return site;
}

/** Nobody changes what a request's URL says. */
const none = new URLSearchParams();

class PlainUrl implements RequestUrl {
  readonly origin: string;
  readonly host: string;
  readonly pathname: string;
  readonly search: string;
  #searchParams: URLSearchParams | null = null;

  constructor({ origin, host }: Site, pathname: string, search: string) {
    this.origin = origin;
    this.host = host;
    this.pathname = pathname;
    this.search = search === '?' ? '' : search;
  }

  get searchParams(): URLSearchParams {
    this.#searchParams ??= this.search === '' ? none : new URLSearchParams(this.search);
    return this.#searchParams;
  }
}
