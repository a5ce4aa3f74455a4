/** How one HTTP call ended, as connectors classify it. */

/** Lower-case names. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Any status counts as a response, a redirect too. */
export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: string;
}

export type HttpResult =
  | HttpResponse
  /** ConnectionFailed: refused, DNS, TLS or too slow. NotSent: `beforeWrite` said no, or the signal had aborted. */
  | { readonly kind: 'not sent'; readonly reason: 'ConnectionFailed' | 'NotSent' }
  | { readonly kind: 'lost'; readonly reason: 'ConnectionLost' | 'Timeout' | 'Aborted' | 'AnswerTooLarge' };

/** First value of a header. */
export function headerOf(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
