// Entries in SQLite, durable before the promise is kept. All that waits is committed as one group. Each process has a
// file of its own, because two that write one file wait for each other in SQLite's sleeping busy handler.
import Database from 'better-sqlite3';

export function openLog(path) {
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(`CREATE TABLE entries (id TEXT PRIMARY KEY, at INTEGER NOT NULL, client TEXT NOT NULL,
    service TEXT NOT NULL, fields TEXT NOT NULL, digest TEXT NOT NULL)`);
  const insert = database.prepare('INSERT INTO entries VALUES (@id, @at, @client, @service, @fields, @digest)');
  const commit = database.transaction((group) => {
    for (const { entry } of group) insert.run(entry);
  });
  let waiting = [];

  function flush() {
    const group = waiting;
    waiting = [];
    try {
      commit(group);
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { resolve } of group) resolve();
  }

  return {
    append(entry) {
      return new Promise((resolve, reject) => {
        if (waiting.push({ entry, resolve, reject }) === 1) setImmediate(flush);
      });
    },
  };
}
