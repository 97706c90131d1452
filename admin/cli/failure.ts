/** How the command ends; scripts may rely on these numbers. */
export const exitCodes = {
  ok: 0,
  /** The gateway refused: what was asked is not valid there. */
  refused: 1,
  /** The command line or a file of the user is wrong. */
  usage: 2,
  /** Not logged in, or not allowed. */
  access: 3,
  /** The gateway cannot be reached, or failed. */
  unavailable: 4,
} as const;

const kinds = Object.keys(exitCodes) as (keyof typeof exitCodes)[];

/** Where in the user's files something is. Line and column count from 1. */
export interface Place {
  file: string;
  line?: number;
  column?: number;
}

/** One thing that is wrong: what, where, which rule. */
export interface Complaint {
  message: string;
  rule?: string;
  /** RFC 6901, in the document that was sent. */
  pointer?: string;
  /** The option that gave it, or could. */
  flag?: string;
  place?: Place;
}

/** What ends a command with a message; everything else that is thrown is a defect. */
export class Failure extends Error {
  readonly exit: number;
  readonly complaints: Complaint[];
  /** HTTP status, where a gateway answered. */
  readonly status: number | undefined;

  constructor(
    kind: keyof typeof exitCodes,
    message: string,
    details: { complaints?: Complaint[]; status?: number } = {},
  ) {
    super(message);
    this.name = 'Failure';
    this.exit = exitCodes[kind];
    this.complaints = details.complaints ?? [];
    this.status = details.status;
  }

  /** The same failure, with what is wrong said otherwise. */
  map(change: (complaint: Complaint) => Complaint): Failure {
    const kind = kinds.find((name) => exitCodes[name] === this.exit)!;
    return new Failure(kind, this.message, { complaints: this.complaints.map(change), status: this.status });
  }
}

/** `file:line:column`, as far as it is known. */
export function showPlace(place: Place): string {
  return [place.file, place.line, place.line === undefined ? undefined : place.column]
    .filter((part) => part !== undefined)
    .join(':');
}
