/** As much of the platform's `Headers` as ofetch uses, over names that are in lower case already: no validation twice, no copy unless set. */
export class HeaderRecord {
  record: Readonly<Record<string, string>>

  constructor(headers: HeaderRecord | Readonly<Record<string, string>>) {
    this.record = headers instanceof HeaderRecord ? headers.record : headers
  }

  get(name: string): string | null {
    return this.has(name) ? (this.record[name] ?? null) : null
  }

  has(name: string): boolean {
    return Object.hasOwn(this.record, name)
  }

  set(name: string, value: string): void {
    this.record = { ...this.record, [name]: value }
  }
}
