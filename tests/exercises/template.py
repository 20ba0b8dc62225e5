"""Wrong answers for the template's exercise; its copy for lesson 10 is tests/exercises/lesson10.py."""

WRONG = {
    "99.1": {
        "took-it-away": """box = exercises["99.1"].start()
pop = poplib.POP3(*box.server.pop3)
pop.user("amy"); pop.pass_("secret")
box.laptop.save(pop.retr(1))
pop.dele(1)
pop.quit()
box.check()""",
    },
}
