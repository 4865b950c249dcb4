"""The update server: new versions by HTTP request and by the clock, and what is live.

A request becomes an update in the journal, and is answered; the runner works updates off, one after the
other. Whatever it does can be done again: killed anywhere, it goes on where it was.

    request ─► uploads (bytes, by digest) ─► journal (what is to be done) ─► runner
                                                                              │
                                        store ◄─ publishing: push, then the registry's row, then git
                                                                              │
                                                      rollouts: a cluster, compared, switched, watched

    the operator's page ─► switches (a journal and a worker of their own, beside the updates)
                      └──► watching: one snapshot of each region for all who ask
"""
