// The environment of the public interoperability tests, for one end of one case.

export function contractEnv(role, { testcase, port, www, downloads, certs, folder, requests, keylogs }) {
  return {
    ROLE: role,
    TESTCASE: testcase,
    ADDRESS: '127.0.0.1',
    PORT: String(port),
    WWW: www,
    DOWNLOADS: downloads,
    CERTS: certs,
    LOGS: folder,
    REQUESTS: requests.join(' '),
    SSLKEYLOGFILE: keylogs[role],
  };
}
