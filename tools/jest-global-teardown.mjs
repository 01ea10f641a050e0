export default () => globalThis.millraceTestServers?.stop()
