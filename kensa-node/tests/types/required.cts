// The same package by `require`, as TypeScript sees it.

import kensa = require('kensa')

export const session: Promise<kensa.Session> = kensa.Session.local()
