/** The type of every event. */
export const eventType = 'invoice.paid'

/** Data that makes a body of about 1 KiB in the envelope; new on every call, as an app's would be. */
export function eventData(number: number): Record<string, unknown> {
  return {
    invoiceId: `in_${number}`,
    customer: { id: `cus_${number % 997}`, email: 'ada@example.com', name: 'Ada Lovelace', country: 'GB' },
    currency: 'eur',
    total: 129_900 + (number % 1000),
    isPaid: true,
    lines: Array.from({ length: 6 }, (_, line) => ({
      id: `il_${number}_${line}`,
      description: 'Seats of the team plan, monthly, prorated',
      quantity: line + 1,
      amount: 21_650,
    })),
    note: 'Thank you for your business. This invoice was paid by card ending 4242.',
  }
}

/** An event as it is on the wire, for contenders that make it themselves. */
export function eventBody(id: string, number: number): string {
  return JSON.stringify({ id, type: eventType, timestamp: new Date().toISOString(), data: eventData(number) })
}
