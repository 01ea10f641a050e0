import { describe, expect, it } from '@jest/globals'
import { parseManifest, totalBytes } from '../src/download/manifest.ts'
import { KAFKA_JARS_MANIFEST } from '../src/download/kafka-jars.ts'
import { renderLines } from '../src/progress.ts'

describe('progress without a terminal', () => {
  it('prints a line a quarter, not one a change', () => {
    const lines: string[] = []
    const { onProgress } = renderLines((line) => lines.push(line))
    for (let done = 0; done <= 100; done += 1) onProgress({ step: 'Kafka', done, total: 100, unit: 'files' })
    expect(lines).toEqual([0, 25, 50, 75, 100].map((done) => `Kafka: ${done}/100 files`))
  })
})

describe('the manifest of Kafka', () => {
  it('pins every jar by a whole SHA-256', () => {
    const manifest = parseManifest(KAFKA_JARS_MANIFEST)
    expect(manifest).toHaveLength(92)
    for (const { name, sha256 } of manifest) {
      expect(name).toMatch(/\.jar$/)
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    }
    expect(totalBytes(manifest)).toBeGreaterThan(50_000_000)
  })
})
