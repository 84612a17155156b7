"""A third vendor, as CONTRIBUTING says to add one: calendars of all-day events as iCalendar files on a web server."""
