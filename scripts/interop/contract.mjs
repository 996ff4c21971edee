// The environment of the public interoperability tests, for one end of one case.

export function contractEnv(role, { testcase, host, port, www, downloads, certs, folder, requests, keylogs }) {
  return {
    ROLE: role,
    TESTCASE: testcase,
    ADDRESS: host,
    PORT: String(port),
    WWW: www,
    DOWNLOADS: downloads,
    CERTS: certs,
    LOGS: folder,
    REQUESTS: requests.join(' '),
    SSLKEYLOGFILE: keylogs[role],
  };
}
