/** Where an account answers by default. A sandbox is written 1234567_SB1, and its host 1234567-sb1. */
export function defaultEndpoint(account: string): string {
  return `https://${account.toLowerCase().replaceAll('_', '-')}.suitetalk.api.netsuite.com`;
}
