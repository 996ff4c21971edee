// Chromium's headless shell, whose QUIC is Google's, from Debian. A client only, for HTTP/3; the program around it is ours:
// test/interop/peers/chromium_peer.mjs.
import path from 'node:path';
import { mustRun, root } from '../../lib/run.mjs';
import { contractEnv } from '../contract.mjs';
import { debianFolder, inDebian, librariesIn, linkerIn, versionIn } from '../debian.mjs';

let top;
let browser;

function client(cell) {
  const libraries = librariesIn(top).flatMap((folder) => [folder, path.join(folder, 'pulseaudio')]).join(':');
  const script = path.join(root, 'test/interop/peers/chromium_peer.mjs');
  return [{ command: process.execPath, args: [script, browser, libraries], env: contractEnv('client', cell) }];
}

const notByPage = (what) => `a page has no say in ${what}`;

export const chromium = {
  id: 'chromium',
  title: 'Chromium',
  alpn: 'h3',
  async install() {
    top = await debianFolder(['chromium-headless-shell', 'patchelf']);
    browser = path.join(top, 'usr/lib/chromium/chromium-headless-shell');
    // It starts itself again, so it has to find the folder's dynamic linker by itself.
    const [command, ...args] = inDebian(top, 'usr/bin/patchelf');
    await mustRun(command, [...args, '--set-interpreter', linkerIn(top), browser]);
    return { version: versionIn(top, 'chromium-headless-shell').split('.')[0] };
  },
  client,
  isClientOnly: true,
  cannot: {
    server: {},
    client: {
      resumption: notByPage('connections and their sessions'), zerortt: notByPage('connections and their sessions'),
      keyupdate: notByPage('key updates'), versionnegotiation: notByPage('versions'), v2: notByPage('versions'), v2only: notByPage('versions'),
      connectionmigration: notByPage('migration'), preferredaddress: 'its client stays when the server prefers another address', datagram: 'its datagrams are those of WebTransport only',
    },
  },
};
