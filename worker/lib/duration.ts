const form =
  /^P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,7})D)?(T(?:(\d{1,9})H)?(?:(\d{1,10})M)?(?:(\d{1,12})S)?)?$/;

const day = 86_400;

/**
 * Seconds of an ISO 8601 duration (section 5.5.2.2): `PT1H` 3600, `P1D` 86400, `P1W`, `P1Y2M3DT4H5M6S`. A month counts as 30
 * days and a year as 365, since a rate has no calendar. Whole seconds only: fractions and durations of zero are refused.
 * Throws a RangeError that says what is wrong.
 */
export function durationSeconds(text: string): number {
  const shown = `"${text.slice(0, 64)}"`;
  if (/^P.*\d[.,]\d/.test(text)) {
    throw new RangeError(`${shown} has a fraction; only whole numbers are supported`);
  }
  const match = form.exec(text);
  if (match === null || text === 'P' || match[5] === 'T') {
    throw new RangeError(`${shown} is not an ISO 8601 duration such as PT30S, PT1H or P1D`);
  }
  const part = (index: number) => Number(match[index] ?? 0);
  const days = part(1) * 365 + part(2) * 30 + part(3) * 7 + part(4);
  const seconds = days * day + part(6) * 3600 + part(7) * 60 + part(8);
  if (seconds === 0) {
    throw new RangeError(`${shown} is a duration of zero`);
  }
  return seconds;
}
