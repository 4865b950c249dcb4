"""The update server: new versions by HTTP request.

A request becomes an update in the journal, and is answered; the runner works updates off, one at a time for
each set. Whatever it does can be done again: killed anywhere, it goes on where it was.

    request ─► uploads (bytes, by digest) ─► journal (what is to be done) ─► runner
                                                                              │
                                        store ◄─ publishing: push, then the registry's row, then git
"""
