/**
 * The same text in the form in which V8 keeps names of properties. One cut out of another text is looked up in the table of
 * all names at each access by it, which is 2 % of a call; so what is cut out once and used by every call goes through here.
 */
export function propertyName(text: string): string {
  return Object.keys({ [text]: 0 })[0]!;
}
