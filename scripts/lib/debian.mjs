// Debian packages: which are missing, and how they get here. Node built-ins only.
import { StepFailed, capture, hasCommand, mustRun, run } from './run.mjs';

function missingPackages(wanted) {
  const status = capture('sh', ['-c', `dpkg-query -W -f='\${Package} \${db:Status-Status}\\n' ${wanted.join(' ')} 2>/dev/null || true`]);
  const installed = new Set(
    (status ?? '').split('\n').filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/** Returns what it did in a few words. NODE_MVFST_SKIP_APT=1 trusts that the machine has what is needed. */
export async function installPackages(wanted) {
  if (process.env.NODE_MVFST_SKIP_APT) return 'skipped, NODE_MVFST_SKIP_APT is set';
  if (!hasCommand('dpkg-query') || !hasCommand('apt-get')) {
    return `skipped: no Debian or Ubuntu here; needed are the like of ${wanted.join(' ')}`;
  }
  const missing = missingPackages(wanted);
  if (missing.length === 0) return 'up to date';
  const line = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid() !== 0) throw new StepFailed(`Debian packages are missing. Run this once, then again what you ran:\n\n  sudo sh -c '${line}'\n`);
  console.log(`\n  installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // An index of one source that cannot be read is no reason to stop: the install will tell.
  await run('apt-get', ['-q', 'update'], { env });
  await mustRun('apt-get', ['-q', 'install', '-y', '--no-install-recommends', ...missing], { env });
  return `installed ${missing.length}`;
}
