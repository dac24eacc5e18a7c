"""pymesos 0.3.15, hardened: what a framework and an executor can be trusted to.

`driver.scheduler.SchedulerDriver` and `driver.executor.ExecutorDriver` are for use; they know
nothing of the program around them. pymesos gives the shape of events and calls; the thread below
it (`driver.link`) is ours, as is everything that this table names. Each row has a test of its
number, which fails without what is done here.

Scheduler
P1   an exception in a callback, or an event that cannot be read, ends the thread and sends
     TEARDOWN: logged, costs that event only, TEARDOWN is sent by teardown() alone  link, scheduler
P2   stop() sends TEARDOWN: it never does                                           link
P3   calls may take a day, under the driver's lock: http_timeout, no lock           calls
P4   no pause between tries after a 503 or an ended stream: Pace, every time        link, pace
P5   an ERROR event is only told, the fight for the id goes on: stops, aborted()    scheduler_link
P6   a silent master is never noticed: the link is dropped after 5 heartbeats, and as
     soon as a call gets no answer                                     link, scheduler_link
P7   an unexpected answer to SUBSCRIBE ends the thread: pause, try again, say why; a
     401 or 403 before any subscription: aborted()         connection, link, scheduler_link
P8   FAILURE without agent or status is a KeyError: told as None                    scheduler_link
P9   SIGINT handler at import, interrupt_main at death: neither; aborted() or lost() library, link
P10  select fails beyond 1024 open files: poll                                      connection
P11  a name that does not resolve ends the thread: a failed try                     connection
P12  a connect that is never answered counts as connected: answer_limit, for the
     answer to SUBSCRIBE, too                                                        link
P13  a version such as 1.12.0-rc1 ends the thread: no version is asked for          link
P14  GPU_RESOURCES added, failover_timeout of 100 s: FrameworkInfo as it is given   scheduler_link
P15  calls without a link return as if they were sent: NotConnected                 scheduler_link
P16  headers are shared by all drivers, with the credentials: own for each call     link, calls
P17  RECONCILE without agent ids: with them                                         scheduler_link
P18  KILL without agent and policy, no suppressed_roles in SUBSCRIBE: with them     scheduler_link
P19  `registered` once, `disconnected` at every failed try: subscribed() each time,
     disconnected() only after it                                                   scheduler_link
P20  the detector gives up without the znode, drops credentials, blocks kazoo       detector
P21  sleeps of 15 s that nothing ends: every wait ends when there is news           connection, link
P22  no TLS, no IPv6: TLS to the master where its authority is named                tls
     IPv6 LEFT OUT: masters and agents are reached by IPv4 in their own network
P23  acknowledged when the callback returns: acknowledge() only                     scheduler_link
P24  a 4xx or a timeout of a call is raised into the callback, see P1: CallFailed
     says whether it may have been done                                             calls
P25  a log handler and a level at import: removed                                   library
P26  http-parser builds on no Python of today: third_party/http-parser
P27  pymesos is not maintained: these tests are ours. A redirect holds for one link only, too:
     pymesos stays with the master that it was once sent to                         link

Executor
E1   updates are never stored: until acknowledged, sent with every SUBSCRIBE; none
     before LAUNCH, on which the agent would abort                                  updates
E2   tries again too late for an agent that came back: 5 times within its window    executor_link
E3   waits for an agent for a day: MESOS_RECOVERY_TIMEOUT, then lost()              executor_link
E4   turns in circles on 503, updates get a 503 too: Pace, and they are kept        link, updates
E5   a 4xx of an agent that knows us no more ends the thread only: lost()           executor_link
E6   no token, no kill policy: both. MESOS_DOMAIN_SOCKET: LEFT OUT, the agent gives
     an address beside it                                                           executor_link
E7   SHUTDOWN kills the process group, and leaves containers: shutdown(), and the
     link stays for the last updates                                                executor_link
E8   without checkpointing the first failed connect ends it, and MESOS_CHECKPOINT=0
     counts as a yes: only the loss of a subscription does, and 0 is a no           executor_link
"""
