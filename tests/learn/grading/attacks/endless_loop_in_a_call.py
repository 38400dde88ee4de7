def FUNCTION(*arguments, **options):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
