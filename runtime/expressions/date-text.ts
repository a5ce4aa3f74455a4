/** Writes a timestamp in a time zone. Pure. */

export class DateTextError extends Error {
  /** What was given as the zone. */
  readonly zone: string;

  constructor(zone: string, options: { cause: unknown }) {
    super('the third argument is no time zone: write for example Europe/Berlin', options);
    this.zone = zone;
  }
}

const parts: Readonly<Record<string, Intl.DateTimeFormatPartTypes>> = {
  yyyy: 'year',
  MM: 'month',
  dd: 'day',
  HH: 'hour',
  mm: 'minute',
  ss: 'second',
};

/**
 * `format` holds yyyy, MM, dd, HH, mm and ss; everything else is copied. `zone` is an IANA name such as Europe/Berlin.
 * @throws DateTextError for an unknown zone
 */
export function dateText(time: Date, format: string, zone: string): string {
  const values = new Map(
    formatter(zone)
      .formatToParts(time)
      .map(({ type, value }) => [type, value]),
  );
  return format.replace(/yyyy|MM|dd|HH|mm|ss/g, (token) => values.get(parts[token] ?? 'literal') ?? token);
}

function formatter(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  } catch (cause) {
    throw new DateTextError(zone, { cause });
  }
}
