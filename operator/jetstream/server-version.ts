/** Which servers will do. Pure. */

const oldestServer = { major: 2, minor: 14 } as const;

/** Why a server of this version will not do; undefined when it will. */
export function versionProblem(version: string): string | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version) ?? [];
  const isNewEnough =
    major !== undefined && minor !== undefined && (Number(major) - oldestServer.major || Number(minor) - oldestServer.minor) >= 0;
  if (isNewEnough) return undefined;
  return `The NATS server has version ${version === '' ? 'unknown' : version}; Peppasync needs ${oldestServer.major}.${oldestServer.minor} or later. Upgrade the server.`;
}
